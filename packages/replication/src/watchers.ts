/** Those who wait for more to read: they are told when the high watermark rose, or the role changed; some of each append. */
export type ReadWatcher = () => void;

export class Watchers {
  readonly #all = new Set<ReadWatcher>();
  readonly #ofAppends = new Set<ReadWatcher>();

  add(watcher: ReadWatcher, ofAppends: boolean): void {
    this.#all.add(watcher);
    if (ofAppends) this.#ofAppends.add(watcher);
  }

  delete(watcher: ReadWatcher): void {
    this.#all.delete(watcher);
    this.#ofAppends.delete(watcher);
  }

  tell(): void {
    if (this.#all.size > 0) tell(this.#all);
  }

  tellOfAppend(): void {
    if (this.#ofAppends.size > 0) tell(this.#ofAppends);
  }
}

/** A watcher may look away, or another come, while they are told. */
const tell = (watchers: ReadonlySet<ReadWatcher>): void => {
  for (const watcher of [...watchers]) watcher();
};
