/** The broker's own limits. Those with a key of Kafka's are in the configuration table; these have none. */

/** Partitions of one topic: it is made and deleted whole, in one multi-operation of the tree. */
export const PARTITIONS_PER_TOPIC_MAX = 9_000;
/** Bytes of requests that one connection may have under way (unflushed produces above all). */
export const REQUEST_BYTES_IN_FLIGHT_PER_CONNECTION_MAX = 32 * 1024 * 1024;
/** The same over all connections. */
export const REQUEST_BYTES_IN_FLIGHT_MAX = 256 * 1024 * 1024;
/**
 * Bytes of requests that wait for records, or for their group. They do not keep other requests from being read; beyond this a
 * fetch does not wait, and answers with what there is.
 */
export const WAITING_REQUEST_BYTES_MAX = 64 * 1024 * 1024;
/**
 * Bytes of answers that are being read from disks or that clients have not taken yet, over all connections; beyond this a fetch
 * gives one batch.
 */
export const ANSWER_BYTES_UNDER_WAY_MAX = 256 * 1024 * 1024;
/** Answer bytes that one connection may leave unsent before its requests are no longer read. */
export const RESPONSE_BYTES_BUFFERED_PER_CONNECTION_MAX = 64 * 1024 * 1024;
/** Producer ids are taken from the ensemble in blocks, so that most need no write (KIP-730). */
export const PRODUCER_ID_BLOCK_SIZE = 1_000;
/** Partitions that one fetch session may hold (KIP-227). */
export const FETCH_SESSION_PARTITIONS_MAX = 100_000;
/** The same over all sessions: beyond it clients fetch without one. */
export const FETCH_SESSIONS_PARTITIONS_MAX = 1_000_000;
/** A flush is waited for so long even for a client that gives its produce no time (Kafka's own append does not flush). */
export const PRODUCE_TIMEOUT_MS_MIN = 1_000;
/**
 * What the batches of one produce may unpack to, all together: it is decided in one go, while everybody else waits. A large
 * request may unpack to more, since it took as long to send.
 */
export const UNPACKED_BYTES_PER_REQUEST_MAX = 256 * 1024 * 1024;
export const UNPACKED_BYTES_PER_REQUEST_BYTE = 32;
/**
 * A connection whose requests have kept everybody waiting for so long, all together, lets the others have a turn before its next
 * one is looked at: one packet may hold dozens of small requests that each unpack to hundreds of megabytes.
 */
export const WORK_MS_BETWEEN_RESTS = 20;
/** Shorter requests are not counted: their packets are short work as well. */
export const COUNTED_WORK_MS_MIN = 1;
/** How long a produce, a fetch or an admin call may ask to wait. */
export const REQUEST_TIMEOUT_MS_MAX = 30 * 60 * 1000;
