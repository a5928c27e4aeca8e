/**
 * The offset checkpoints beside the partitions' folders, in Kafka's own text, and their checksums. That text has none: a digit
 * that turned into another is a number like any, and a log start that is too large would hide records and have them deleted.
 * So a file of ours says what was written last. It is written first, with the checksum of the contents before, so that a crash
 * between the two leaves a checkpoint that is known; its own first line is its checksum, so that its damage condemns nothing.
 */
import {
  decodeOffsetCheckpoints,
  encodeOffsetCheckpoints,
  type OffsetCheckpoint,
} from '@odradek/log';
import type { Crc32c, Logger, Volume } from '@odradek/ports';
import { utf8Decode, utf8Encode } from '@odradek/protocol';

export interface CheckpointFilesOptions {
  readonly volume: Volume;
  readonly crc32c: Crc32c;
  readonly logger: Logger;
}

const CHECKSUMS = 'checkpoint-checksums';

export class CheckpointFiles {
  readonly #options: CheckpointFilesOptions;
  /** By file name: of what is in it, or may be in it. */
  readonly #checksums = new Map<string, readonly string[]>();
  /** What the files hold, to write only news. */
  readonly #written = new Map<string, Uint8Array>();

  constructor(options: CheckpointFilesOptions) {
    this.#options = options;
  }

  /** Before the first `read`. */
  async open(): Promise<void> {
    const { volume, crc32c, logger } = this.#options;
    const bytes = await volume.readSmall(CHECKSUMS);
    if (bytes === undefined) return;
    const [own, ...lines] = utf8Decode(bytes).trimEnd().split('\n');
    if (own !== checksum(utf8Encode(lines.join('\n')), crc32c)) {
      logger.warn(`${CHECKSUMS} is damaged: the checkpoints are believed as they are`);
      return;
    }
    for (const line of lines) {
      const [name, ...sums] = line.split(' ');
      this.#checksums.set(name!, sums);
    }
  }

  /** Undefined when it is damaged; one that was never written has no entries. */
  async read(name: string): Promise<readonly OffsetCheckpoint[] | undefined> {
    const { volume, crc32c } = this.#options;
    const bytes = await volume.readSmall(name);
    if (bytes === undefined) return [];
    const known = this.#checksums.get(name);
    const sum = checksum(bytes, crc32c);
    if (known !== undefined && !known.includes(sum)) return undefined;
    this.#checksums.set(name, [sum]);
    return decodeOffsetCheckpoints(bytes);
  }

  /** Writes the file when it would say something new. One write of a name at a time. */
  async write(name: string, entries: readonly OffsetCheckpoint[]): Promise<void> {
    const { volume, crc32c } = this.#options;
    const bytes = encodeOffsetCheckpoints(entries);
    const known = this.#written.get(name);
    if (known !== undefined && isSame(known, bytes)) return;
    const before = this.#checksums.get(name)?.[0];
    const sum = checksum(bytes, crc32c);
    this.#checksums.set(name, before === undefined ? [sum] : [sum, before]);
    await volume.replace(CHECKSUMS, this.#encode());
    await volume.replace(name, bytes);
    this.#written.set(name, bytes);
  }

  #encode(): Uint8Array {
    const lines = Array.from(this.#checksums, ([name, sums]) => [name, ...sums].join(' ')).join(
      '\n',
    );
    return utf8Encode(`${checksum(utf8Encode(lines), this.#options.crc32c)}\n${lines}\n`);
  }
}

const checksum = (bytes: Uint8Array, crc32c: Crc32c): string =>
  crc32c(bytes).toString(16).padStart(8, '0');

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
