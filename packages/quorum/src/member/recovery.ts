/**
 * What a member finds on its disk, and whether it may build on it: its last vote, the newest sound snapshot, the log behind
 * it. Whatever does not fit together is refused here, by name, before anything is written.
 */
import type { Crc32c, Logger, Volume } from '@odradek/ports';
import {
  batchesIn,
  isCrcValid,
  leaderEpoch,
  type NodeId,
  type Offset,
  type Uuid,
} from '@odradek/protocol';
import { QuorumError } from '../errors.ts';
import { REPLAY_READ_BYTES } from '../limits.ts';
import type { TreeSnapshot } from '../tree/snapshot.ts';
import { decodeBatch, type CommittedTree } from './committed-tree.ts';
import type { ElectionState } from './election.ts';
import type { QuorumLog } from './quorum-log.ts';
import { readQuorumState } from './quorum-state-file.ts';
import type { SnapshotFiles } from './snapshot-files.ts';

export interface RecoveryOptions {
  readonly nodeId: NodeId;
  readonly voters: readonly NodeId[];
  readonly incarnation: Uuid;
  readonly volume: Volume;
  readonly folder: string;
  readonly log: QuorumLog;
  readonly snapshots: SnapshotFiles;
  readonly crc32c: Crc32c;
  readonly logger: Logger;
}

export interface Recovered {
  readonly election: ElectionState;
  readonly snapshot: TreeSnapshot | undefined;
}

/** Throws QuorumError. */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  assertServable(options);
  const recorded = await readQuorumState(options.volume, options.folder, options.crc32c);
  if (recorded !== undefined) assertOwn(recorded, options);
  const snapshot = await options.snapshots.load();
  assertContinuous(options.log, snapshot);
  return { election: electionAfter(recorded, snapshot, options), snapshot };
}

/** Applies what the log holds from the tree's end to `end`, while it is wanted. */
export async function replayLog(
  log: QuorumLog,
  committed: CommittedTree,
  { end, isWanted, crc32c }: { end: Offset; isWanted: () => boolean; crc32c: Crc32c },
): Promise<void> {
  while (committed.nextOffset < end && isWanted()) {
    const from = committed.nextOffset;
    const read = await log.read(from, {
      maxBytes: REPLAY_READ_BYTES,
      atLeastOneBatch: true,
      below: end,
    });
    for (const bytes of read.status === 'ok' ? read.records : []) {
      for (const view of batchesIn(bytes)) {
        if (!isCrcValid(view, crc32c)) {
          throw corrupt(`the batch at offset ${view.baseOffset} of the metadata log is damaged`);
        }
        committed.apply(decodeBatch(view));
      }
    }
    if (committed.nextOffset === from) {
      throw corrupt(`the metadata log has no batch at offset ${from}, though it ends at ${end}`);
    }
  }
}

const corrupt = (what: string): QuorumError =>
  new QuorumError('corrupt', `${what}. Restore the folder from a copy`);

function assertServable({ nodeId, voters }: RecoveryOptions): void {
  const list = voters.join(', ');
  if (voters.length % 2 === 0) {
    throw new QuorumError(
      'unsupportedVoters',
      `${voters.length} voters (${list}): an ensemble has an odd number, because an even one survives no more failures`,
    );
  }
  if (voters.length > 1 || voters[0] !== nodeId) {
    throw new QuorumError(
      'unsupportedVoters',
      `voters ${list} on node ${nodeId}: this version serves a node that is the only voter`,
    );
  }
}

/** A lone voter can only ever have voted for itself, on this very storage, and followed nobody. */
function assertOwn(recorded: ElectionState, { nodeId, incarnation }: RecoveryOptions): void {
  const other = [recorded.votedId, recorded.leaderId].find((it) => it !== null && it !== nodeId);
  if (other !== undefined) {
    throw new QuorumError(
      'foreignState',
      `this folder's quorum-state names node ${other}, and this is node ${nodeId}, the only voter: it is another broker's folder`,
    );
  }
  if (recorded.votedIncarnation !== null && recorded.votedIncarnation !== incarnation) {
    throw new QuorumError(
      'foreignState',
      `this folder's quorum-state is of incarnation ${recorded.votedIncarnation}, and meta.properties says ${incarnation}: the two were not written together`,
    );
  }
}

function assertContinuous(log: QuorumLog, snapshot: TreeSnapshot | undefined): void {
  const from = snapshot?.nextOffset ?? 0;
  if (log.logStartOffset <= from && from <= log.logEndOffset) return;
  const found =
    snapshot === undefined ? 'there is no sound snapshot' : `the snapshot ends at offset ${from}`;
  throw corrupt(
    `the metadata log holds offsets ${log.logStartOffset} to ${log.logEndOffset}, and ${found}: a part of the metadata is missing`,
  );
}

/**
 * The epoch never goes back, even if the file that should hold it is gone. Nobody leads in it any more: a leader that comes
 * back leads in a newer one, since unflushed records of the old may be lost (so does KRaft, by its resigned state).
 */
function electionAfter(
  recorded: ElectionState | undefined,
  snapshot: TreeSnapshot | undefined,
  { log, logger }: RecoveryOptions,
): ElectionState {
  const written = Math.max(log.latestEpoch, snapshot?.epoch ?? 0, 0);
  if (recorded !== undefined && recorded.epoch >= written) return { ...recorded, leaderId: null };
  if (written > 0) {
    const fields = { epoch: written, recorded: recorded?.epoch };
    logger.warn('the metadata log is in a newer epoch than quorum-state', fields);
  }
  return { epoch: leaderEpoch(written), leaderId: null, votedId: null, votedIncarnation: null };
}
