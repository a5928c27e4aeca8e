/** What the answer to a fetch means for each partition that was asked for: records, another place to ask, or trouble that passes or does not. */
import { ErrorCode } from '@odradek/protocol';
import type { FetchResponse } from '@odradek/protocol';
import { BrokerError, ProtocolViolation } from '../errors.ts';
import type { ConsumerSettings } from './consumer-options.ts';
import { Fetched } from './fetched.ts';
import type { Holdings } from './holdings.ts';
import type { PartitionState } from './partition-state.ts';
import type { Positions } from './positions.ts';
import { keyOf, partitionKey } from './topic-partition.ts';
import type { TopicWatch } from './topic-watch.ts';

/** Whoever leads now may answer otherwise. */
const STALE_LEADER: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.REPLICA_NOT_AVAILABLE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.OFFSET_NOT_AVAILABLE,
]);

export interface Asked {
  readonly state: PartitionState;
  readonly version: number;
}

type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];

export class FetchAnswers {
  readonly #holdings: Holdings;
  readonly #positions: Positions;
  readonly #topics: TopicWatch;
  /** The node would give the same answer again at once. */
  readonly #slowDown: (nodeId: number) => void;

  constructor(
    holdings: Holdings,
    positions: Positions,
    topics: TopicWatch,
    slowDown: (nodeId: number) => void,
  ) {
    this.#holdings = holdings;
    this.#positions = positions;
    this.#topics = topics;
    this.#slowDown = slowDown;
  }

  received(
    { responses, nodeEndpoints }: FetchResponse,
    all: readonly Asked[],
    nodeId: number,
  ): void {
    const asked = new Map(all.map((each) => [keyOf(each.state), each]));
    for (const { topic, partitions } of responses) {
      for (const answer of partitions) {
        const entry = asked.get(partitionKey(topic, answer.partitionIndex));
        // Not ours any more, or it has moved since.
        if (entry === undefined || entry.state.version !== entry.version) continue;
        const { state } = entry;
        if (!state.isHeld) continue;
        if (answer.errorCode === ErrorCode.NONE) this.#fetched(state, answer, nodeId);
        else this.#troubled(state, answer, nodeId, nodeEndpoints);
      }
    }
  }

  #fetched(state: PartitionState, answer: PartitionAnswer, nodeId: number): void {
    const { cluster, settings } = this.#holdings;
    const { records, preferredReadReplica, highWatermark, logStartOffset } = answer;
    state.troubledSinceMs = undefined;
    state.mayHaveMore = preferredReadReplica >= 0;
    state.highWatermark = highWatermark;
    state.logStartOffset = logStartOffset;
    if (preferredReadReplica >= 0 && !cluster.nodeIds.includes(preferredReadReplica)) {
      // The leader answers that at once and without records: asked again and again, it would be all that it did.
      this.#slowDown(nodeId);
      this.#topics.findLeaders([state.topic]);
    } else if (preferredReadReplica >= 0)
      state.preferred = {
        nodeId: preferredReadReplica,
        untilMs: cluster.host.clock.monotonicMs() + settings.metadataMaxAgeMs,
      };
    if (records === null || records.length === 0) return;
    const fetched = new Fetched(records, answer.abortedTransactions);
    const { nextOffset } = fetched;
    if (nextOffset === undefined) {
      this.#holdings.fail(
        new ProtocolViolation(
          `${state.topic}-${state.partition}: the answer at offset ${state.fetchOffset} holds no whole batch`,
        ),
      );
      return;
    }
    state.fetched.push(fetched);
    state.bufferedBytes += fetched.sizeBytes;
    state.fetchOffset = Math.max(state.fetchOffset, nextOffset);
    state.mayHaveMore = state.fetchOffset < readableEnd(answer, settings);
  }

  #troubled(
    state: PartitionState,
    { errorCode: code, currentLeader }: PartitionAnswer,
    nodeId: number,
    nodeEndpoints: FetchResponse['nodeEndpoints'],
  ): void {
    const { cluster } = this.#holdings;
    const { topic, partition } = state;
    const { clock } = cluster.host;
    const isFromFollower = state.preferred?.nodeId === nodeId;
    state.preferred = undefined;
    // Who leads by an earlier epoch than that of what was read is cut off, and does not know how the log went on.
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE && this.#positions.isLeaderBehind(state)) {
      cluster.forgetLeaders(topic);
      this.#slowDown(nodeId);
      return;
    }
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE) {
      // A follower may be behind, or ahead in what it deleted: the leader is asked before the position is given up (KIP-392).
      // What was fetched before is still good; the place behind it is not.
      if (isFromFollower || state.fetched.length > 0 || state.hasRecords) {
        this.#slowDown(nodeId);
        return;
      }
      this.#positions.reset(state, `offset ${state.fetchOffset} is not in the log`);
      return;
    }
    const error = new BrokerError(code, { topic, partition, broker: cluster.addressOf(nodeId) });
    if (!STALE_LEADER.has(code) && !error.retriable) {
      this.#holdings.fail(error);
      return;
    }
    if (code === ErrorCode.FENCED_LEADER_EPOCH || code === ErrorCode.UNKNOWN_LEADER_EPOCH)
      state.isDoubtful = state.positionEpoch >= 0;
    state.troubledSinceMs ??= clock.monotonicMs();
    // The answer may say who leads now: then nobody has to be asked, and nothing waited for (KIP-951).
    if (cluster.learnLeader(topic, partition, currentLeader, nodeEndpoints)) return;
    cluster.forgetLeaders(topic);
    // Elections end; a topic that is gone does not come back.
    if (clock.monotonicMs() - state.troubledSinceMs > cluster.retry.timeoutMs)
      this.#holdings.fail(error);
    this.#slowDown(nodeId);
  }
}

/** Of what is committed alone, when nothing else is wanted; a broker that tells no such offset (-1) has no transactions. */
const readableEnd = (
  { highWatermark, lastStableOffset }: PartitionAnswer,
  { isolation }: ConsumerSettings,
): number =>
  isolation === 'read_committed' && lastStableOffset >= 0 ? lastStableOffset : highWatermark;
