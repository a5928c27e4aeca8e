/**
 * What a member finds on its disk, and whether it may build on it: its last vote, the newest sound snapshot, the log behind
 * it. Whatever does not fit together is refused here, by name, before anything is written.
 */
import type { Crc32c, Logger, Volume } from '@odradek/ports';
import {
  batchesIn,
  isCrcValid,
  leaderEpoch,
  offset,
  type NodeId,
  type Offset,
  type Uuid,
} from '@odradek/protocol';
import { QuorumError } from '../errors.ts';
import { REPLAY_READ_BYTES } from '../limits.ts';
import type { TreeSnapshot } from '../tree/snapshot.ts';
import { decodeBatch, type CommittedTree } from './committed-tree.ts';
import { votersIn } from './control-records.ts';
import type { ElectionState } from './election.ts';
import type { QuorumLog } from './quorum-log.ts';
import { readQuorumState } from './quorum-state-file.ts';
import type { SnapshotFiles } from './snapshot-files.ts';
import { idsOf, VoterHistory, type VoterSet } from './voters.ts';
import { decodeVoters } from './voters-record.ts';

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
  readonly voters: VoterHistory;
}

/** Throws QuorumError. */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  assertServable(options);
  const recorded = await readQuorumState(options.volume, options.folder, options.crc32c);
  if (recorded !== undefined) assertOwn(recorded, options);
  const snapshot = await options.snapshots.load();
  const voters = votersBefore(snapshot, options);
  await continueAt(snapshot, voters.latest, options);
  await readVoters(voters, options.log);
  if (recorded !== undefined) assertPossible(recorded, voters.latest, options);
  return { election: electionAfter(recorded, snapshot, options), snapshot, voters };
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
        if (view.baseOffset < committed.nextOffset) continue;
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

function assertServable({ voters }: RecoveryOptions): void {
  const list = voters.join(', ');
  if (new Set(voters).size < voters.length)
    throw new QuorumError('unsupportedVoters', `voters ${list}: each is named once`);
  if (voters.length % 2 === 0) {
    throw new QuorumError(
      'unsupportedVoters',
      `${voters.length} voters (${list}): an ensemble has an odd number, because an even one survives no more failures. ` +
        'Name one voter more or one less',
    );
  }
}

/** A member votes for itself on its own storage alone. */
function assertOwn(recorded: ElectionState, { nodeId, incarnation }: RecoveryOptions): void {
  const { votedId, votedIncarnation } = recorded;
  if (votedId === nodeId && votedIncarnation !== null && votedIncarnation !== incarnation) {
    throw new QuorumError(
      'foreignState',
      `this folder's quorum-state is of incarnation ${votedIncarnation}, and meta.properties says ${incarnation}: the two were not written together`,
    );
  }
}

/** A lone voter can only ever have voted for itself, and followed nobody. */
function assertPossible(
  recorded: ElectionState,
  voters: VoterSet,
  { nodeId }: RecoveryOptions,
): void {
  if (voters.length !== 1 || voters[0]!.id !== nodeId) return;
  const other = [recorded.votedId, recorded.leaderId].find((it) => it !== null && it !== nodeId);
  if (other !== undefined) {
    throw new QuorumError(
      'foreignState',
      `this folder's quorum-state names node ${other}, and this is node ${nodeId}, the only voter: it is another broker's folder`,
    );
  }
}

/** The newest word on who votes before the log says more. A node that is configured alone needs nobody's word. */
function votersBefore(
  snapshot: TreeSnapshot | undefined,
  { nodeId, incarnation, voters }: RecoveryOptions,
): VoterHistory {
  const isAlone = voters.length === 1 && voters[0] === nodeId;
  const history = new VoterHistory(isAlone ? [{ id: nodeId, incarnation }] : []);
  if (snapshot !== undefined && snapshot.voters.length > 0)
    history.restart(decodeVoters(snapshot.voters, 'in the snapshot of the metadata'));
  return history;
}

/**
 * The log goes on from the snapshot. Where it ends before the snapshot's end, a snapshot of the leader's was being installed:
 * it stands for all that the log has. But a lone voter has no leader: there a part of the log is missing.
 */
async function continueAt(
  snapshot: TreeSnapshot | undefined,
  voters: VoterSet,
  { nodeId, log }: RecoveryOptions,
): Promise<void> {
  const from = snapshot?.nextOffset ?? 0;
  if (log.logStartOffset <= from && from <= log.logEndOffset) return;
  const isAlone = idsOf(voters).every((id) => id === nodeId) && voters.length > 0;
  if (snapshot !== undefined && log.logEndOffset < from && !isAlone) {
    await log.truncateFullyAndStartAt(snapshot.nextOffset);
    return;
  }
  const found =
    snapshot === undefined ? 'there is no sound snapshot' : `the snapshot ends at offset ${from}`;
  throw corrupt(
    `the metadata log holds offsets ${log.logStartOffset} to ${log.logEndOffset}, and ${found}: a part of the metadata is missing`,
  );
}

/** Every set of voters in the log, committed or not: the newest counts. Only the heads of the other batches are looked at. */
async function readVoters(voters: VoterHistory, log: QuorumLog): Promise<void> {
  for (let from = log.logStartOffset; from < log.logEndOffset;) {
    const read = await log.read(from, {
      maxBytes: REPLAY_READ_BYTES,
      atLeastOneBatch: true,
      below: log.logEndOffset,
    });
    let next = from;
    for (const bytes of read.status === 'ok' ? read.records : []) {
      for (const view of batchesIn(bytes)) {
        next = offset(view.nextOffset);
        if (view.isControl) for (const found of votersIn(view)) voters.add(found.at, found.voters);
      }
    }
    if (next <= from) throw corrupt(`the metadata log has no batch at offset ${from}`);
    from = next;
  }
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
