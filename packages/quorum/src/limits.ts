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

/** Kafka's `controller.quorum.election.timeout.ms` and `controller.quorum.fetch.timeout.ms`. */
export const ELECTION_TIMEOUT_MS = 1_000;
export const FETCH_TIMEOUT_MS = 2_000;

/** How finely the ends of sessions are told apart; a session ends within one tick after its timeout. */
export const SESSION_TICK_MS = 100;
