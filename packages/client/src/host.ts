/** What a client needs of its host. The same client runs wherever these five can be given. */
import type { Clock, Compression, Crc32c, Dial, Random } from '@odradek/ports';

export interface ClientHost {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly compression: Compression;
  readonly crc32c: Crc32c;
}
