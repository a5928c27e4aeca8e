/**
 * The topics in a member's metadata. The metadata is the clients' own affair (Connect, Streams and others put what they like into
 * it); the coordinator looks into that of protocol type "consumer" for one purpose alone: not to expire or delete offsets of topics
 * that the group still consumes (KIP-211, KIP-496). So everything that does not parse means "not known", never an error.
 */
import { decode, MalformedFrame } from '@odradek/protocol';
import { array, int16, message, string } from '@odradek/protocol/schema';

export const CONSUMER_PROTOCOL_TYPE = 'consumer';

/** ConsumerProtocolSubscription: version 0 is the beginning of every later one. */
const consumerProtocolSubscription = /*@__PURE__*/ message(
  { name: 'ConsumerProtocolSubscription', versions: [0, 0] },
  () => ({
    version: int16(),
    topics: array(string()),
  }),
);

/** Undefined when one of them cannot be read. */
export function subscribedTopics(
  memberMetadata: Iterable<Uint8Array>,
): ReadonlySet<string> | undefined {
  const topics = new Set<string>();
  try {
    for (const bytes of memberMetadata) {
      const subscription = decode(consumerProtocolSubscription, 0, bytes);
      if (subscription.version < 0) return undefined;
      for (const topic of subscription.topics) topics.add(topic);
    }
  } catch (error) {
    if (error instanceof MalformedFrame) return undefined;
    throw error;
  }
  return topics;
}
