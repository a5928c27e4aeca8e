/** Records to stdout: those that are wanted, up to a number, many in one write. */
import type { ReadRecord } from '@odradek/client';
import type { RecordFilter } from './record-filter.ts';
import type { RecordFormat } from './record-format.ts';
import type { World } from './world.ts';

/** Written at once when they come at once. */
const WRITE_BYTES = 64 * 1024;

export class RecordWriter {
  /** Printed so far. */
  count = 0;
  /** Looked at so far. */
  seen = 0;
  readonly #world: World;
  readonly #format: RecordFormat;
  readonly #filter: RecordFilter | undefined;
  readonly #max: number;

  constructor(
    world: World,
    format: RecordFormat,
    {
      filter,
      max,
    }: { readonly filter: RecordFilter | undefined; readonly max: number | undefined },
  ) {
    this.#world = world;
    this.#format = format;
    this.#filter = filter;
    this.#max = max ?? Number.POSITIVE_INFINITY;
  }

  get isFull(): boolean {
    return this.count >= this.#max;
  }

  get left(): number {
    return this.#max - this.count;
  }

  begin(): Promise<void> {
    return this.#text(this.#format.begin);
  }

  /** How many of the records were looked at: fewer than all when enough were printed. */
  async write(records: readonly ReadRecord[]): Promise<number> {
    let parts: Uint8Array[] = [];
    let bytes = 0;
    let looked = 0;
    for (const record of records) {
      if (this.isFull) break;
      looked += 1;
      if (this.#filter?.(record) === false) continue;
      for (const part of this.#format.record(record, this.count === 0)) {
        parts.push(part);
        bytes += part.length;
      }
      this.count += 1;
      if (bytes < WRITE_BYTES) continue;
      await this.#world.stdout.write(Buffer.concat(parts));
      parts = [];
      bytes = 0;
    }
    if (bytes > 0) await this.#world.stdout.write(Buffer.concat(parts));
    this.seen += looked;
    return looked;
  }

  end(): Promise<void> {
    return this.#text(this.#format.end);
  }

  async #text(text: string): Promise<void> {
    if (text !== '') await this.#world.stdout.write(text);
  }
}
