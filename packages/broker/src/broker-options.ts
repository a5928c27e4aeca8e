/** What a host gives a broker, and how the broker says that it cannot go on. */
import type {
  Clock,
  Compression,
  Crc32c,
  Dial,
  Logger,
  Probe,
  Random,
  Volume,
} from '@odradek/ports';
import type { ConfigEntry } from './config/index.ts';

export interface BrokerOptions {
  /** Configuration as given; the host has refused what is wrong with it. */
  readonly entries: readonly ConfigEntry[];
  /** Owned by the host, which closes it after the broker has stopped. */
  readonly volume: Volume;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly crc32c: Crc32c;
  readonly compression: Compression;
  /** The way to other members' peer listeners; a broker that is configured alone needs none. */
  readonly dialPeer?: Dial;
  /** Names this run of the machine, where the host can tell (boot-file.ts). */
  readonly bootId?: string;
  /** For simulations alone. */
  readonly probe?: Probe;
}

/** The broker cannot go on; the message says why. */
export class BrokerFailure extends Error {
  override readonly name = 'BrokerFailure';
}
