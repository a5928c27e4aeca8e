/**
 * What a code means where its name does not say enough, for those that producers and consumers meet. Kafka's whole table has a sentence
 * for each code (`errorInfo` of the protocol): more than a page should have to load.
 */
import { ErrorCode } from '@odradek/protocol';

export function adviceOn(code: number): string | undefined {
  switch (code) {
    case ErrorCode.UNKNOWN_SERVER_ERROR:
      return 'the broker failed in a way that it has no code for: its log says more';
    case ErrorCode.OFFSET_OUT_OF_RANGE:
      return 'the offset lies before the start or beyond the end of the log';
    case ErrorCode.CORRUPT_MESSAGE:
      return 'a record batch is damaged, or a key is missing where the topic is compacted';
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      return 'there is no such topic or partition on this broker';
    case ErrorCode.LEADER_NOT_AVAILABLE:
      return 'the partition has no leader at the moment';
    case ErrorCode.MESSAGE_TOO_LARGE:
      return "larger than the topic's max.message.bytes";
    case ErrorCode.INVALID_TOPIC_EXCEPTION:
      return "the topic's name is not allowed";
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return 'fewer replicas are in sync than min.insync.replicas asks for';
    default:
      return undefined;
  }
}
