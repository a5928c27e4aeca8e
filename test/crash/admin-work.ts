/**
 * What clients do besides producing, and what of it was acknowledged: topics made and deleted, offsets committed, records
 * deleted, producer ids taken. One thing at a time; each is asked for again after a crash only where that is safe.
 */
import { ErrorCode, ZERO_UUID } from '@odradek/protocol';
import type { Chance } from '@odradek/protocol/testing';
import { nameOf } from '../support/steps.ts';
import { api } from '../support/wire-api.ts';
import { ConnectionGone, type WireClient } from '../support/wire-client.ts';
import { BrokenPromise, type PartitionLedger } from './ledger.ts';

const GROUPS = 6;
const COORDINATOR_LOAD_MS_MAX = 5_000;
export const COMMITTED_TOPIC = 'committed';
export const COMMITTED_PARTITIONS = 3;

interface Commit {
  acknowledged: number;
  sent: number;
}

interface OwnTopic {
  /** Undefined while nobody knows whether it was made. */
  topicId: string | undefined;
  /** 'asked': nobody knows whether it is still there. */
  deletion: 'none' | 'asked' | 'acknowledged';
}

export class AdminWork {
  readonly #chance: Chance;
  readonly #producerIds: Set<number>;
  readonly #deletable: PartitionLedger;
  readonly #commits = new Map<string, Commit>();
  readonly #topics = new Map<string, OwnTopic>();
  #topicCount = 0;
  acknowledgedCommits = 0;

  constructor(options: { chance: Chance; producerIds: Set<number>; deletable: PartitionLedger }) {
    this.#chance = options.chance;
    this.#producerIds = options.producerIds;
    this.#deletable = options.deletable;
  }

  get topicsMade(): number {
    return [...this.#topics.values()].filter((it) => it.topicId !== undefined).length;
  }

  /** One that was asked for and not answered may have happened. */
  wasDeletionAsked(topic: string): boolean {
    return (this.#topics.get(topic)?.deletion ?? 'none') !== 'none';
  }

  /** Works until the connection is gone. */
  async run(client: WireClient): Promise<void> {
    try {
      // Makes the topic of the offsets, the first time.
      await client.request(api.findCoordinator, 4, { keyType: 0, coordinatorKeys: ['group-0'] });
      for (let turn = 0; !client.isClosed; turn++) {
        await this.#commit(client);
        if (turn % 8 === 3) await this.#create(client);
        if (turn % 8 === 5) await this.#takeProducerId(client);
        if (turn % 16 === 7) await this.#deleteTopic(client);
        if (turn % 16 === 11) await this.#deleteRecords(client);
        await new Promise((resolve) => setTimeout(resolve, this.#chance.below(5)));
      }
    } catch (error) {
      if (!(error instanceof ConnectionGone)) throw error;
    }
  }

  /** Everything that was acknowledged is so. */
  async check(client: WireClient): Promise<void> {
    await client.request(api.findCoordinator, 4, { keyType: 0, coordinatorKeys: ['group-0'] });
    await this.#checkTopics(client);
    for (let group = 0; group < GROUPS; group++) await this.#checkOffsets(client, group);
  }

  async #commit(client: WireClient): Promise<void> {
    const group = this.#chance.below(GROUPS);
    const partitions = Array.from({ length: COMMITTED_PARTITIONS }, (_, partition) => {
      const key = `${group}/${partition}`;
      const commit = this.#commits.get(key) ?? { acknowledged: -1, sent: -1 };
      this.#commits.set(key, commit);
      commit.sent += 1;
      return {
        partitionIndex: partition,
        committedOffset: commit.sent,
        committedLeaderEpoch: -1,
        committedMetadata: `offset ${commit.sent}`,
      };
    });
    const { topics } = await client.request(api.offsetCommit, 8, {
      groupId: `group-${group}`,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ name: COMMITTED_TOPIC, partitions }],
    });
    for (const { partitionIndex, errorCode } of topics[0]!.partitions) {
      if (errorCode !== ErrorCode.NONE) {
        if (isLoading(errorCode)) continue;
        throw new BrokenPromise(`commit of group-${group}: ${nameOf(errorCode)}`);
      }
      this.#commits.get(`${group}/${partitionIndex}`)!.acknowledged =
        partitions[partitionIndex]!.committedOffset;
      this.acknowledgedCommits += 1;
    }
  }

  async #checkOffsets(client: WireClient, group: number): Promise<void> {
    const end = performance.now() + COORDINATOR_LOAD_MS_MAX;
    for (;;) {
      const { groups } = await client.request(api.offsetFetch, 8, {
        groups: [
          {
            groupId: `group-${group}`,
            topics: [{ name: COMMITTED_TOPIC, partitionIndexes: [0, 1, 2] }],
          },
        ],
      });
      const found = groups[0]!;
      if (isLoading(found.errorCode) && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        continue;
      }
      if (found.errorCode !== ErrorCode.NONE)
        throw new BrokenPromise(`offsets of group-${group}: ${nameOf(found.errorCode)}`);
      for (const { partitionIndex, committedOffset, metadata } of found.topics[0]!.partitions) {
        const { acknowledged, sent } = this.#commits.get(`${group}/${partitionIndex}`) ?? {
          acknowledged: -1,
          sent: -1,
        };
        const isRight = committedOffset >= acknowledged && committedOffset <= sent;
        if (!isRight || (committedOffset >= 0 && metadata !== `offset ${committedOffset}`)) {
          throw new BrokenPromise(
            `group-${group}, partition ${partitionIndex}: ${committedOffset} ("${metadata}") is committed; ${acknowledged} was acknowledged, ${sent} sent`,
          );
        }
      }
      return;
    }
  }

  async #create(client: WireClient): Promise<void> {
    const name = `made-${this.#topicCount++}`;
    const topic: OwnTopic = { topicId: undefined, deletion: 'none' };
    this.#topics.set(name, topic);
    const { topics } = await client.request(api.createTopics, 7, {
      topics: [
        {
          name,
          numPartitions: 2,
          replicationFactor: 1,
          assignments: [],
          configs: [{ name: 'retention.ms', value: '12345678' }],
        },
      ],
      timeoutMs: 10_000,
      validateOnly: false,
    });
    const { errorCode, topicId } = topics[0]!;
    if (errorCode !== ErrorCode.NONE)
      throw new BrokenPromise(`creation of ${name}: ${nameOf(errorCode)}`);
    topic.topicId = topicId;
  }

  async #deleteTopic(client: WireClient): Promise<void> {
    const candidates = [...this.#topics].filter(
      ([, it]) => it.topicId !== undefined && it.deletion === 'none',
    );
    if (candidates.length < 4) return;
    const [name, topic] = this.#chance.pick(candidates);
    topic.deletion = 'asked';
    const { responses } = await client.request(api.deleteTopics, 6, {
      topics: [{ name, topicId: ZERO_UUID }],
      timeoutMs: 10_000,
    });
    if (responses[0]!.errorCode !== ErrorCode.NONE)
      throw new BrokenPromise(`deletion of ${name}: ${nameOf(responses[0]!.errorCode)}`);
    topic.deletion = 'acknowledged';
  }

  async #deleteRecords(client: WireClient): Promise<void> {
    const ledger = this.#deletable;
    const offset = Math.max(ledger.deletionAsked, Math.floor((ledger.highWatermark * 3) / 4));
    ledger.deletionAsked = offset;
    const { topics } = await client.request(api.deleteRecords, 2, {
      topics: [{ name: ledger.topic, partitions: [{ partitionIndex: ledger.partition, offset }] }],
      timeoutMs: 10_000,
    });
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!;
    if (errorCode !== ErrorCode.NONE)
      throw new BrokenPromise(`deletion of records of ${ledger.name}: ${nameOf(errorCode)}`);
    ledger.deletedBelow = lowWatermark;
  }

  async #takeProducerId(client: WireClient): Promise<void> {
    const { errorCode, producerId } = await client.request(api.initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
      producerId: -1,
      producerEpoch: -1,
    });
    if (errorCode !== ErrorCode.NONE)
      throw new BrokenPromise(`no producer id: ${nameOf(errorCode)}`);
    if (this.#producerIds.has(producerId))
      throw new BrokenPromise(`producer id ${producerId} was handed out twice`);
    this.#producerIds.add(producerId);
  }

  async #checkTopics(client: WireClient): Promise<void> {
    const { topics } = await client.request(api.metadata, 12, {
      topics: null,
      allowAutoTopicCreation: false,
    });
    const there = new Map(topics.map((it) => [it.name, it]));
    for (const [name, { topicId, deletion }] of this.#topics) {
      const found = there.get(name);
      if (topicId === undefined || deletion === 'asked') continue;
      if (deletion === 'acknowledged') {
        if (found !== undefined)
          throw new BrokenPromise(`topic ${name} was deleted, and is there again`);
        continue;
      }
      if (found === undefined) throw new BrokenPromise(`topic ${name} was made, and is not there`);
      if (found.topicId !== topicId)
        throw new BrokenPromise(
          `topic ${name} has id ${found.topicId}, and was made with ${topicId}`,
        );
      if (
        found.errorCode !== ErrorCode.NONE ||
        found.partitions.length !== 2 ||
        found.partitions.some((it) => it.errorCode !== ErrorCode.NONE)
      ) {
        throw new BrokenPromise(`topic ${name} is not whole: ${JSON.stringify(found)}`);
      }
    }
  }
}

/** The coordinator has just come and says so; anything else would be a lost group. */
const isLoading = (errorCode: number): boolean =>
  errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ||
  errorCode === ErrorCode.NOT_COORDINATOR ||
  errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE;
