/** What members tell the group's leader, and what it tells them: Kafka's ConsumerProtocolSubscription and -Assignment, opaque to the broker. */
import { MalformedFrame, decode, encode } from '@odradek/protocol';
import { array, bytes, int16, int32, message, string } from '@odradek/protocol/schema';
import { joined } from './assignors/sticky.ts';
import { groupByTopic } from './topic-partition.ts';
import type { TopicPartition } from './topic-partition.ts';

const SUBSCRIPTION_VERSION = 3;
const ASSIGNMENT_VERSION = 3;

const topicPartitions = () => ({ topic: string(), partitions: array(int32()) });

/** 1: owned partitions (KIP-429). 2: their generation (KIP-792). 3: the rack (KIP-881). Readers of an older version stop before the end. */
const subscriptionMessage = /*@__PURE__*/ message(
  { name: 'ConsumerProtocolSubscription', versions: [0, SUBSCRIPTION_VERSION] },
  () => ({
    topics: array(string()),
    userData: bytes({ nullable: true, default: null }),
    ownedPartitions: array(topicPartitions(), { since: 1 }),
    generationId: int32({ since: 2, default: -1 }),
    rackId: string({ since: 3, nullable: true, default: null }),
  }),
);

const assignmentMessage = /*@__PURE__*/ message(
  { name: 'ConsumerProtocolAssignment', versions: [0, 0] },
  () => ({
    assignedPartitions: array(topicPartitions()),
    userData: bytes({ nullable: true, default: null }),
  }),
);

const versionMessage = /*@__PURE__*/ message(
  { name: 'ConsumerProtocol', versions: [0, 0] },
  () => ({
    version: int16(),
  }),
);

const VERSION_BYTES = 2;

export interface Subscription {
  readonly topics: readonly string[];
  readonly userData: Uint8Array | null;
  readonly owned: readonly TopicPartition[];
  readonly generation: number;
  /** Where the member is (KIP-881); our own assignors do not look at it. */
  readonly rackId: string | null;
}

export const encodeSubscription = (subscription: Subscription): Uint8Array =>
  joined([
    ...encode(versionMessage, 0, { version: SUBSCRIPTION_VERSION }),
    ...encode(subscriptionMessage, SUBSCRIPTION_VERSION, {
      topics: subscription.topics,
      userData: subscription.userData,
      ownedPartitions: toTopics(subscription.owned),
      generationId: subscription.generation,
      rackId: subscription.rackId,
    }),
  ]);

/** KafkaJS says version 1 and leaves the owned partitions out: what is not there was not told. Throws MalformedFrame. */
export function decodeSubscription(encoded: Uint8Array): Subscription {
  const bytesBehind = encoded.subarray(VERSION_BYTES);
  for (let version = Math.min(versionOf(encoded), SUBSCRIPTION_VERSION); ; version -= 1) {
    try {
      const body = decode(subscriptionMessage, version, bytesBehind);
      const { topics, userData, generationId: generation, rackId } = body;
      return { topics, userData, owned: fromTopics(body.ownedPartitions), generation, rackId };
    } catch (error) {
      if (version === 0 || !(error instanceof MalformedFrame)) throw error;
    }
  }
}

export const encodeAssignment = (partitions: readonly TopicPartition[]): Uint8Array =>
  joined([
    ...encode(versionMessage, 0, { version: ASSIGNMENT_VERSION }),
    ...encode(assignmentMessage, 0, { assignedPartitions: toTopics(partitions) }),
  ]);

/** No bytes at all are no partitions. */
export function decodeAssignment(encoded: Uint8Array): readonly TopicPartition[] {
  if (encoded.length === 0) return [];
  return fromTopics(
    decode(assignmentMessage, 0, encoded.subarray(VERSION_BYTES)).assignedPartitions,
  );
}

const versionOf = (encoded: Uint8Array): number =>
  Math.max(0, decode(versionMessage, 0, encoded.subarray(0, VERSION_BYTES)).version);

const toTopics = (partitions: readonly TopicPartition[]) =>
  [...groupByTopic(partitions)].map(([topic, list]) => ({ topic, partitions: list }));

const fromTopics = (
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): readonly TopicPartition[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
