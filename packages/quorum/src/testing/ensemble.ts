/** A lone member over any volume, with the log, clock and logger that the tests look into. */
import { defaultLogConfig, PartitionLog, type LogConfig } from '@odradek/log';
import {
  silentLogger,
  type Compression,
  type Crc32c,
  type Logger,
  type LogFields,
  type Volume,
} from '@odradek/ports';
import { seededRandom } from '@odradek/ports/testing';
import { crc32cJs, nodeId, ZERO_UUID, type Uuid } from '@odradek/protocol';
import { QuorumMember } from '../member/quorum-member.ts';
import type { QuorumMemberOptions } from '../member/quorum-member.types.ts';
import { ManualClock } from '@odradek/ports/testing';

export const NODE = nodeId(1);
export const INCARNATION = '0123456789abcdef0123456789abcdef' as Uuid;
export const crc32c: Crc32c = crc32cJs;

export interface LoneMember {
  readonly member: QuorumMember;
  readonly log: PartitionLog;
  readonly clock: ManualClock;
}

/** As the broker opens it; its time is its own, so that the member's timers stand out. */
export function openMetadataLog(
  volume: Volume,
  config: Partial<LogConfig> = {},
): Promise<PartitionLog> {
  return PartitionLog.open({
    topic: '__cluster_metadata',
    partition: 0,
    topicId: ZERO_UUID,
    volume,
    clock: new ManualClock(),
    random: seededRandom(2),
    logger: silentLogger,
    crc32c,
    compression: noCompression,
    config: {
      ...defaultLogConfig,
      retentionMs: -1,
      maxMessageBytes: 16 * 1024 * 1024,
      segmentBytes: 64 * 1024 * 1024,
      ...config,
    },
    // The memory volume tears the tail as a machine does that loses its power.
    powerLoss: true,
  });
}

export async function startLoneMember(
  volume: Volume,
  {
    log: given,
    logConfig,
    ...options
  }: Partial<Omit<QuorumMemberOptions, 'log'>> & {
    readonly log?: PartitionLog;
    readonly logConfig?: Partial<LogConfig>;
  } = {},
): Promise<LoneMember> {
  const log = given ?? (await openMetadataLog(volume, logConfig));
  const clock = new ManualClock();
  const member = await QuorumMember.start({
    nodeId: NODE,
    voters: [NODE],
    incarnation: INCARNATION,
    volume,
    log,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    crc32c,
    ...options,
  });
  return { member, log, clock };
}

const noCompression: Compression = {
  compress: () => {
    throw new Error('the metadata log is not compressed');
  },
  decompress: () => {
    throw new Error('the metadata log is not compressed');
  },
};

export interface Told {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields | undefined;
}

export function recordingLogger(): Logger & { readonly told: Told[] } {
  const told: Told[] = [];
  const logger: Logger & { readonly told: Told[] } = {
    told,
    debug() {},
    info: (message, fields) => void told.push({ level: 'info', message, fields }),
    warn: (message, fields) => void told.push({ level: 'warn', message, fields }),
    error: (message, fields) => void told.push({ level: 'error', message, fields }),
    child: () => logger,
  };
  return logger;
}
