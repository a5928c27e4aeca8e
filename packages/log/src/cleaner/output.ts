import { BatchView } from '@odradek/protocol';
import { CLEANER_WRITE_BYTES } from '../limits.ts';
import type { LogState } from '../log-state.ts';
import type { Segment } from '../segment.ts';
import type { Pace } from './pace.ts';

/** Collects what is kept and writes it in pieces. */
export class Output {
  readonly #segment: Segment;
  readonly #log: LogState;
  readonly #pace: Pace;
  #pieces: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(segment: Segment, log: LogState, pace: Pace) {
    this.#segment = segment;
    this.#log = log;
    this.#pace = pace;
  }

  add(bytes: Uint8Array): void {
    this.#segment.noteBatch(new BatchView(bytes), this.#segment.sizeBytes, this.#log.config);
    this.#pieces.push(bytes);
    this.#sizeBytes += bytes.length;
  }

  async drain(): Promise<void> {
    if (this.#sizeBytes >= CLEANER_WRITE_BYTES) await this.finish();
  }

  async finish(): Promise<void> {
    if (this.#sizeBytes === 0) return;
    const pieces = this.#pieces;
    const sizeBytes = this.#sizeBytes;
    this.#pieces = [];
    this.#sizeBytes = 0;
    await this.#segment.file.append(pieces);
    await this.#pace.step(sizeBytes);
  }
}
