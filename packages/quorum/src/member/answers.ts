/**
 * What a member answers to the others' requests. Each request is checked in Kafka's order: is it of this cluster, is it well
 * formed, is its epoch the present one, is it meant for this very incarnation. Whatever an answer promises (a vote, an
 * epoch) is on the disk before it leaves.
 */
import {
  ErrorCode,
  leaderEpoch,
  nodeId,
  offset,
  ZERO_UUID,
  type BeginQuorumEpochRequest,
  type BeginQuorumEpochResponse,
  type EndQuorumEpochRequest,
  type EndQuorumEpochResponse,
  type FetchRequest,
  type FetchResponse,
  type FetchSnapshotRequest,
  type FetchSnapshotResponse,
  type LeaderEpoch,
  type NodeId,
  type Offset,
  type VoteRequest,
  type VoteResponse,
} from '@odradek/protocol';
import { FETCH_BYTES_MAX, SNAPSHOT_PIECE_BYTES } from '../limits.ts';
import { joined } from '../tree/record-codec.ts';
import { alignmentOf } from './alignment.ts';
import { isUpToDate, type ElectionState, type LogEnd } from './election.ts';
import type { Leadership } from './leadership.ts';
import {
  fetchAnswer,
  fetchPartitionOf,
  fetchRefused,
  fetchSnapshotAnswer,
  fetchSnapshotRefused,
  leaderOrNull,
  METADATA_TOPIC_NAME,
  partitionOf,
  PROBE_ID,
  refusedWhole,
  replicaIdOf,
  standingAnswer,
  voteAnswer,
  type Standing,
} from './messages.ts';
import type { QuorumMutant } from './mutants.ts';
import type { MemberEvent } from './quorum-member.events.ts';
import type { QuorumLog } from './quorum-log.ts';
import type { ReplicaKey } from './replica-progress.ts';
import type { SnapshotFiles } from './snapshot-files.ts';

/** What the answers need to know of the member, and may tell it. */
export interface AnswersOptions {
  readonly self: ReplicaKey;
  readonly clusterId: () => string | null;
  readonly log: QuorumLog;
  readonly snapshots: SnapshotFiles;
  readonly mutants: ReadonlySet<QuorumMutant>;
  readonly election: () => ElectionState;
  readonly logEnd: () => LogEnd;
  readonly highWatermark: () => Offset;
  /** A leader that was heard is not to be deposed by a pre-vote, and a leader even less. */
  readonly isContent: () => boolean;
  readonly isStopped: () => boolean;
  readonly leadership: () => Leadership | undefined;
  readonly tell: (event: MemberEvent) => void;
  /** What the machine wanted on the disk so far is there. Rejects when the disk refuses. */
  readonly persisted: () => Promise<void>;
  /** A majority still takes this member for its leader. */
  readonly confirmLeadership: () => Promise<boolean>;
  /** Somebody without any log looks for a leader. */
  readonly noteEmpty: (replica: ReplicaKey) => void;
}

export class Answers {
  readonly #options: AnswersOptions;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  get #standing(): Standing {
    const { epoch, leaderId } = this.#options.election();
    return { epoch, leaderId };
  }

  #isOtherCluster(clusterId: string | null): boolean {
    const own = this.#options.clusterId();
    return clusterId !== null && own !== null && clusterId !== own;
  }

  /** Meant for this node, and not for an incarnation of it that is gone. Unnamed ones are let pass where nothing is promised. */
  #isMeant(voterId: number, incarnation: string): boolean {
    const { self } = this.#options;
    return (
      (voterId < 0 || voterId === self.id) &&
      (incarnation === ZERO_UUID || incarnation === self.incarnation)
    );
  }

  async vote(request: VoteRequest): Promise<VoteResponse> {
    const { self, mutants, tell, logEnd } = this.#options;
    if (this.#isOtherCluster(request.clusterId))
      return refusedWhole(ErrorCode.INCONSISTENT_CLUSTER_ID);
    const asked = partitionOf(request);
    if (asked === undefined || isIllFormed(asked)) return refusedWhole(ErrorCode.INVALID_REQUEST);
    if (this.#options.isStopped()) return refusedWhole(ErrorCode.BROKER_NOT_AVAILABLE);
    const epoch = leaderEpoch(asked.replicaEpoch);
    if (epoch < this.#standing.epoch)
      return voteAnswer(ErrorCode.FENCED_LEADER_EPOCH, this.#standing, false);
    const isForThis = request.voterId === self.id && asked.voterDirectoryId === self.incarnation;
    if (!isForThis && !mutants.has('forgottenIncarnation'))
      return voteAnswer(ErrorCode.INVALID_VOTER_KEY, this.#standing, false);
    const candidate = { id: nodeId(asked.replicaId), incarnation: asked.replicaDirectoryId };
    const end = {
      lastEpoch: leaderEpoch(asked.lastOffsetEpoch),
      endOffset: offset(asked.lastOffset),
    };
    const deserves = isUpToDate(end, logEnd()) || mutants.has('voteForShorterLog');
    if (!asked.preVote && deserves) tell({ type: 'vote.requested', epoch, candidate });
    else tell({ type: 'epoch.observed', epoch });
    // Before the disk has it, because nobody is to be told of an epoch that a crash would make forgotten.
    await this.#options.persisted();
    const election = this.#options.election();
    if (election.epoch !== epoch)
      return voteAnswer(ErrorCode.FENCED_LEADER_EPOCH, this.#standing, false);
    const isGranted = asked.preVote
      ? deserves && !this.#options.isContent()
      : election.votedId === candidate.id && election.votedIncarnation === candidate.incarnation;
    return voteAnswer(ErrorCode.NONE, this.#standing, isGranted);
  }

  async beginQuorumEpoch(request: BeginQuorumEpochRequest): Promise<BeginQuorumEpochResponse> {
    if (this.#isOtherCluster(request.clusterId))
      return refusedWhole(ErrorCode.INCONSISTENT_CLUSTER_ID);
    const asked = partitionOf(request);
    if (asked === undefined || asked.leaderId < 0) return refusedWhole(ErrorCode.INVALID_REQUEST);
    if (this.#options.isStopped()) return refusedWhole(ErrorCode.BROKER_NOT_AVAILABLE);
    if (!this.#isMeant(request.voterId, asked.voterDirectoryId))
      return standingAnswer(ErrorCode.INVALID_VOTER_KEY, this.#standing);
    const epoch = leaderEpoch(asked.leaderEpoch);
    const fault = this.#leaderFault(epoch, asked.leaderId);
    if (fault !== undefined) return standingAnswer(fault, this.#standing);
    this.#options.tell({ type: 'leader.discovered', epoch, leaderId: nodeId(asked.leaderId) });
    await this.#options.persisted();
    const late = this.#standing.epoch !== epoch;
    return standingAnswer(late ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.NONE, this.#standing);
  }

  async endQuorumEpoch(request: EndQuorumEpochRequest): Promise<EndQuorumEpochResponse> {
    const { self, tell } = this.#options;
    if (this.#isOtherCluster(request.clusterId))
      return refusedWhole(ErrorCode.INCONSISTENT_CLUSTER_ID);
    const asked = partitionOf(request);
    if (asked === undefined || asked.leaderId < 0) return refusedWhole(ErrorCode.INVALID_REQUEST);
    if (this.#options.isStopped()) return refusedWhole(ErrorCode.BROKER_NOT_AVAILABLE);
    const epoch = leaderEpoch(asked.leaderEpoch);
    const fault = this.#leaderFault(epoch, asked.leaderId);
    if (fault !== undefined) return standingAnswer(fault, this.#standing);
    tell({ type: 'epoch.observed', epoch });
    const [best] = asked.preferredCandidates;
    const isSuccessor =
      best?.candidateId === self.id && best.candidateDirectoryId === self.incarnation;
    tell({ type: 'leader.left', epoch, isSuccessor });
    await this.#options.persisted();
    return standingAnswer(ErrorCode.NONE, this.#standing);
  }

  /** Of somebody who claims to lead, or to have led, in an epoch. */
  #leaderFault(epoch: LeaderEpoch, leaderId: number): ErrorCode | undefined {
    const own = this.#standing;
    if (epoch < own.epoch) return ErrorCode.FENCED_LEADER_EPOCH;
    const isContradiction =
      epoch === own.epoch && own.leaderId !== null && own.leaderId !== leaderId;
    return isContradiction ? ErrorCode.INCONSISTENT_VOTER_SET : undefined;
  }

  async fetch(request: FetchRequest): Promise<FetchResponse> {
    if (this.#isOtherCluster(request.clusterId))
      return fetchRefused(ErrorCode.INCONSISTENT_CLUSTER_ID);
    const asked = fetchPartitionOf(request);
    if (asked === undefined) return fetchRefused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const id = replicaIdOf(request);
    if (id === PROBE_ID) return await this.#probed();
    const follower = {
      endOffset: offset(asked.fetchOffset),
      lastEpoch: leaderEpoch(asked.lastFetchedEpoch),
    };
    if (follower.endOffset < 0 || follower.lastEpoch < 0)
      return this.#fetched({ errorCode: ErrorCode.INVALID_REQUEST });
    const replica = { id, incarnation: asked.replicaDirectoryId };
    if (follower.endOffset === 0) this.#options.noteEmpty(replica);
    const leadership = this.#options.leadership();
    const fault = this.#followerFault(asked.currentLeaderEpoch, leadership);
    if (leadership === undefined || fault !== undefined)
      return this.#fetched({ errorCode: fault ?? ErrorCode.NOT_LEADER_OR_FOLLOWER });

    const { log, snapshots } = this.#options;
    const kept = await snapshots.kept();
    if (leadership !== this.#options.leadership())
      return this.#fetched({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    const alignment = alignmentOf(log, follower, kept);
    if (alignment.status !== 'aligned') {
      leadership.progress.heard(replica);
      if (alignment.status === 'diverging') return this.#fetched({ divergingEpoch: alignment });
      const [newest] = kept;
      if (newest === undefined) return this.#fetched({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
      return this.#fetched({ snapshotId: newest });
    }
    leadership.fetched(replica, follower.endOffset);
    const knownHighWatermark = offset(asked.highWatermark);
    const isNews = (): boolean =>
      log.flushedOffset > follower.endOffset || this.#options.highWatermark() > knownHighWatermark;
    if (!isNews() && request.maxWaitMs > 0) {
      const until = {
        fetchOffset: follower.endOffset,
        knownHighWatermark,
        maxWaitMs: request.maxWaitMs,
      };
      await leadership.waiting.wait(`${id} ${replica.incarnation}`, until);
    }
    return await this.#read(leadership, follower.endOffset, asked.partitionMaxBytes);
  }

  async #read(leadership: Leadership, from: Offset, maxBytes: number): Promise<FetchResponse> {
    const { log } = this.#options;
    const notLeading = (): FetchResponse =>
      this.#fetched({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    if (leadership !== this.#options.leadership()) return notLeading();
    if (from >= log.flushedOffset || maxBytes <= 0) return this.#fetched({});
    const read = await log.read(from, {
      maxBytes: Math.min(maxBytes, FETCH_BYTES_MAX),
      atLeastOneBatch: true,
      below: log.flushedOffset,
    });
    if (leadership !== this.#options.leadership()) return notLeading();
    if (read.status === 'outOfRange')
      return this.#fetched({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
    // A copy: the answer may leave later than the log keeps these bytes.
    const records = joined(read.records);
    return this.#fetched({ records: records.slice() });
  }

  /** Its high watermark is what was committed when it was asked, if a majority says that it leads. */
  async #probed(): Promise<FetchResponse> {
    const { highWatermark, mutants } = this.#options;
    const leadership = this.#options.leadership();
    if (leadership === undefined || !leadership.isActive)
      return this.#fetched({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    const readIndex = highWatermark();
    const isConfirmed =
      mutants.has('unconfirmedReadIndex') || (await this.#options.confirmLeadership());
    if (!isConfirmed || leadership !== this.#options.leadership())
      return this.#fetched({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
    return this.#fetched({ highWatermark: readIndex });
  }

  #fetched(answer: Partial<Parameters<typeof fetchAnswer>[0]>): FetchResponse {
    const { log, highWatermark } = this.#options;
    return fetchAnswer({
      standing: this.#standing,
      highWatermark: highWatermark(),
      logStartOffset: log.logStartOffset,
      ...answer,
    });
  }

  #followerFault(epoch: number, leadership: Leadership | undefined): ErrorCode | undefined {
    const own = this.#standing.epoch;
    if (epoch < own) return ErrorCode.FENCED_LEADER_EPOCH;
    if (epoch > own) return ErrorCode.UNKNOWN_LEADER_EPOCH;
    return leadership === undefined ? ErrorCode.NOT_LEADER_OR_FOLLOWER : undefined;
  }

  async fetchSnapshot(request: FetchSnapshotRequest): Promise<FetchSnapshotResponse> {
    if (this.#isOtherCluster(request.clusterId))
      return fetchSnapshotRefused(ErrorCode.INCONSISTENT_CLUSTER_ID);
    const topic = request.topics[0];
    const asked = topic?.partitions[0];
    if (topic?.name !== METADATA_TOPIC_NAME || asked?.partition !== 0)
      return fetchSnapshotRefused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const id = {
      nextOffset: offset(asked.snapshotId.endOffset),
      epoch: leaderEpoch(asked.snapshotId.epoch),
    };
    const refuse = (errorCode: ErrorCode): FetchSnapshotResponse =>
      fetchSnapshotAnswer({ errorCode, standing: this.#standing, id });
    const fault = this.#followerFault(asked.currentLeaderEpoch, this.#options.leadership());
    if (fault !== undefined) return refuse(fault);
    const bytes = await this.#options.snapshots.bytesOf(id);
    if (bytes === undefined) return refuse(ErrorCode.SNAPSHOT_NOT_FOUND);
    const { position } = asked;
    if (position < 0 || position >= bytes.length) return refuse(ErrorCode.POSITION_OUT_OF_RANGE);
    const pieceBytes = Math.max(1, Math.min(request.maxBytes, SNAPSHOT_PIECE_BYTES));
    const piece = bytes.slice(position, position + pieceBytes);
    const replica = { id: nodeId(request.replicaId), incarnation: asked.replicaDirectoryId };
    this.#options.leadership()?.progress.heard(replica);
    return fetchSnapshotAnswer({
      standing: this.#standing,
      id,
      sizeBytes: bytes.length,
      position,
      bytes: piece,
    });
  }
}

/** A candidate's log ends before its epoch, a prospective one's in it at the latest. */
function isIllFormed(asked: {
  readonly replicaId: NodeId | number;
  readonly replicaEpoch: number;
  readonly lastOffsetEpoch: number;
  readonly lastOffset: number;
  readonly preVote: boolean;
}): boolean {
  const { replicaEpoch, lastOffsetEpoch, lastOffset, preVote, replicaId } = asked;
  const isTooNew = preVote ? lastOffsetEpoch > replicaEpoch : lastOffsetEpoch >= replicaEpoch;
  return leaderOrNull(replicaId) === null || lastOffsetEpoch < 0 || lastOffset < 0 || isTooNew;
}
