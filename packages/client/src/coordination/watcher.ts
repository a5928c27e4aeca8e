/**
 * All watches of a client over one long poll. Each knows up to where it was told, so that the poll may go on at any broker and may be
 * asked anew, with other watches, before it was answered: nothing is told twice, out of order or not at all.
 */
import { TreeChangeKind, TreeWatchScope } from '@odradek/protocol';
import type { WatchTreeResponse } from '@odradek/protocol';
import type { ClientHost } from '../host.ts';
import { asError, isRetriable } from '../errors.ts';
import { backoffMs, pause } from '../retry.ts';
import { parentOf, ROOT } from './tree-path.ts';
import type { TreeChange, TreeWatch } from './tree-types.ts';
import type { TreeWire } from './tree-wire.ts';

/** A broker holds the poll for so long when nothing changes. Shorter than what brokers grant: one that hangs is found out by it. */
const POLL_MS = 5_000;
const RETRY = { timeoutMs: 0, backoffMs: 50, backoffMaxMs: 1_000 };

export interface WatchListener {
  changed(change: TreeChange): void;
  /** It cannot go on: what waiting does not help. */
  failed(error: Error): void;
}

interface Watching {
  readonly watch: TreeWatch;
  readonly listener: WatchListener;
  /** The first offset of which it was not told. */
  fromOffset: number;
}

const KINDS: ReadonlyMap<number, TreeChange['kind']> = new Map([
  [TreeChangeKind.created, 'created'],
  [TreeChangeKind.changed, 'changed'],
  [TreeChangeKind.deleted, 'deleted'],
]);

export class Watcher {
  readonly #host: ClientHost;
  readonly #wire: TreeWire;
  readonly #watching = new Set<Watching>();
  /** Counts polls: only the answer of the newest is followed by another. */
  #poll = 0;
  #isAsking = false;
  #failures = 0;
  #isClosed = false;

  constructor(host: ClientHost, wire: TreeWire) {
    this.#host = host;
    this.#wire = wire;
  }

  /** Of what comes behind all that this client has seen by now. Returns how to end it. */
  add(watch: TreeWatch, listener: WatchListener): () => void {
    const fromOffset = this.#wire.seenOffset;
    const one: Watching = { watch, listener, fromOffset };
    this.#watching.add(one);
    this.#ask();
    return () => this.#watching.delete(one);
  }

  close(): void {
    this.#isClosed = true;
    this.#watching.clear();
  }

  /** Once a turn: those that come together go together. A poll that waits gives way to it at the broker. */
  #ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    void Promise.resolve().then(() => {
      this.#isAsking = false;
      void this.#go((this.#poll += 1));
    });
  }

  async #go(poll: number): Promise<void> {
    while (!this.#isClosed && this.#watching.size > 0 && poll === this.#poll) {
      try {
        await this.#once();
        this.#failures = 0;
      } catch (thrown) {
        if (poll !== this.#poll || this.#isClosed) return;
        if (!isRetriable(thrown)) return this.#fail(asError(thrown));
        await pause(this.#host, backoffMs(this.#host, RETRY, this.#failures++));
      }
    }
  }

  async #once(): Promise<void> {
    const asked = [...this.#watching];
    const fromOffset = Math.min(...asked.map((it) => it.fromOffset));
    const watches = asked.map(({ watch: { path, scope } }) => ({
      path,
      scope: TreeWatchScope[scope],
    }));
    const answer = await this.#wire.watch(fromOffset, watches, POLL_MS);
    for (const one of asked) if (this.#watching.has(one)) tell(one, answer);
  }

  #fail(error: Error): void {
    const all = [...this.#watching];
    this.#watching.clear();
    for (const { listener } of all) listener.failed(error);
  }
}

function tell(one: Watching, { changes, nextOffset, isGap }: WatchTreeResponse): void {
  const { watch, listener, fromOffset } = one;
  one.fromOffset = Math.max(fromOffset, nextOffset);
  if (isGap && fromOffset < nextOffset)
    listener.changed({ kind: 'unknown', path: watch.path, offset: nextOffset - 1 });
  for (const { kind, path, offset } of changes) {
    if (offset < fromOffset) continue;
    const change: TreeChange = { kind: KINDS.get(kind) ?? 'unknown', path, offset };
    if (concerns(change, watch)) listener.changed(change);
  }
}

function concerns({ kind, path }: TreeChange, watch: TreeWatch): boolean {
  switch (watch.scope) {
    case 'node':
      return path === watch.path;
    case 'children':
      return kind !== 'changed' && path !== ROOT && parentOf(path) === watch.path;
    case 'subtree':
      return path === watch.path || watch.path === ROOT || path.startsWith(`${watch.path}/`);
  }
}
