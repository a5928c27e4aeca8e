/** A lone member over any volume, with the log, clock and logger that the tests look into. */
import {
  silentLogger,
  type Crc32c,
  type Logger,
  type LogFields,
  type Volume,
} from '@odradek/ports';
import { seededRandom } from '@odradek/ports/testing';
import { crc32cJs, nodeId, type Uuid } from '@odradek/protocol';
import { QuorumMember, type QuorumMemberOptions } from '../member/quorum-member.ts';
import { FileLog } from './file-log.ts';
import { ManualClock } from './manual-clock.ts';

export const NODE = nodeId(1);
export const INCARNATION = '0123456789abcdef0123456789abcdef' as Uuid;
export const crc32c: Crc32c = crc32cJs;

export interface LoneMember {
  readonly member: QuorumMember;
  readonly log: FileLog;
  readonly clock: ManualClock;
}

export async function startLoneMember(
  volume: Volume,
  {
    log: given,
    ...options
  }: Partial<Omit<QuorumMemberOptions, 'log'>> & { readonly log?: FileLog } = {},
): Promise<LoneMember> {
  const log = given ?? (await FileLog.open(volume, crc32c));
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
