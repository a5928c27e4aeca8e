/**
 * Every bound of the ensemble, by name. The tree's limits are asked when an operation is decided and never when a record is
 * replayed: members with different limits still build the same tree.
 */
export interface TreeLimits {
  /** One node's value. ZooKeeper's `jute.maxbuffer` is the same 1 MiB. */
  readonly valueBytesMax: number;
  /** In UTF-16 units. */
  readonly pathLengthMax: number;
  readonly pathDepthMax: number;
  readonly childrenMax: number;
  readonly nodesMax: number;
  readonly opsPerMultiMax: number;
  /** Paths and values of one multi: it becomes one record batch, and one read of the log must be able to hold it. */
  readonly multiBytesMax: number;
  readonly sessionsMax: number;
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
}

export const TREE_LIMITS: TreeLimits = {
  valueBytesMax: 1024 * 1024,
  pathLengthMax: 1024,
  pathDepthMax: 32,
  childrenMax: 250_000,
  nodesMax: 1_000_000,
  opsPerMultiMax: 10_000,
  multiBytesMax: 8 * 1024 * 1024,
  sessionsMax: 10_000,
  sessionTimeoutMsMin: 100,
  sessionTimeoutMsMax: 30 * 60_000,
};

/** Proposals that wait for their commit. Past either bound a proposal is refused as `overloaded`. */
export interface QuorumLimits extends TreeLimits {
  readonly pendingProposalsMax: number;
  readonly pendingBytesMax: number;
}

export const QUORUM_LIMITS: QuorumLimits = {
  ...TREE_LIMITS,
  pendingProposalsMax: 100_000,
  pendingBytesMax: 64 * 1024 * 1024,
};

/** Kafka's `metadata.log.max.record.bytes.between.snapshots`. */
export const SNAPSHOT_INTERVAL_BYTES = 20 * 1024 * 1024;
/** The newest, and one to fall back to: the log is kept from the older one on. */
export const SNAPSHOTS_KEPT = 2;

/** One read while the log is replayed. A larger batch is read whole. */
export const REPLAY_READ_BYTES = 1024 * 1024;

/**
 * Kafka's `controller.quorum.fetch.max.bytes` is 8 MiB; ours is small, for a follower holds the answer and its copy. A larger batch
 * comes whole.
 */
export const FETCH_BYTES_MAX = 1024 * 1024;
/** Kafka's: a fetch waits for so long at the leader when there is nothing new. */
export const FETCH_WAIT_MS_MAX = 500;
/** Fetches that wait at a leader; one more is answered at once. */
export const WAITING_FETCHES_MAX = 10_000;
/** Replicas whose progress a leader remembers, voters apart; the one that was silent longest makes room. */
export const OBSERVERS_MAX = 10_000;
/** Kafka's: an observer that was silent for so long is not described any more. */
export const OBSERVER_SESSION_TIMEOUT_MS = 5 * 60_000;
/** A piece of a snapshot. */
export const SNAPSHOT_PIECE_BYTES = 1024 * 1024;
/** What is believed of another's claim about its snapshot. Adapters take no larger file. */
export const SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024;

/** Kafka's `controller.quorum.retry.backoff.ms` is 20 ms: between failed requests to one peer. */
export const RETRY_BACKOFF_MS = 50;
export const RETRY_JITTER_MS = 100;
/** Between the questions of a member that looks for a leader, each to another peer. */
export const SEARCH_INTERVAL_MS = 50;
/**
 * Fetches that fail in a row until the leader counts as unreachable: a connection that is refused says more than silence, and
 * need not wait for the fetch timeout. Pre-votes keep it from disturbing anybody should only this link be down.
 */
export const UNREACHABLE_FAILURES = 3;
/** Of the fetch timeout, as in Kafka: a leader that a majority has not asked for so long resigns. */
export const CHECK_QUORUM_FACTOR = 1.5;
/** How long a leader that leaves waits for what was proposed to be committed: it is `interrupted` then. */
export const DRAIN_MS = 500;
/** How long a leader that leaves waits for its successors to hear of it. */
export const FAREWELL_MS = 500;

/** Kafka's `controller.quorum.election.timeout.ms` and `controller.quorum.fetch.timeout.ms`. */
export const ELECTION_TIMEOUT_MS = 1_000;
export const FETCH_TIMEOUT_MS = 2_000;

/** Of the election timeout: how long a member that has just started, and finds no leader, hesitates at most before it stands. */
export const HESITATION_FACTOR = 0.1;

/** How finely the ends of sessions are told apart; a session ends within one tick after its timeout. */
export const SESSION_TICK_MS = 100;
