/**
 * What applications may ask of the tree that also holds the cluster's own state. They are tighter than the tree's, so that
 * no application can fill what the cluster lives on: all of its nodes fit into one snapshot many times over.
 */
export interface AppLimits {
  /** One node's value. ZooKeeper's `jute.maxbuffer` is the same 1 MiB. */
  readonly valueBytesMax: number;
  /** In UTF-16 units. */
  readonly pathLengthMax: number;
  readonly pathDepthMax: number;
  readonly childrenMax: number;
  readonly nodesMax: number;
  /** Paths and values of all nodes. */
  readonly bytesMax: number;
  readonly opsPerWriteMax: number;
  /** Paths and values of one write. */
  readonly writeBytesMax: number;
  readonly readsPerRequestMax: number;
  /** Values and names in one answer; what comes after them is to be asked for again. */
  readonly readBytesMax: number;
  readonly watchesPerRequestMax: number;
  /** In one answer, but for a single step that changed more. */
  readonly changesPerAnswerMax: number;
  /** Requests that wait for the tree to change or to come to a place; one more is answered at once. */
  readonly waitingMax: number;
  readonly waitMsMax: number;
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
  /** Changes that are remembered for those who watch from an earlier place. */
  readonly historyChangesMax: number;
}

export const APP_LIMITS: AppLimits = {
  valueBytesMax: 1024 * 1024,
  pathLengthMax: 512,
  pathDepthMax: 16,
  childrenMax: 10_000,
  nodesMax: 100_000,
  bytesMax: 64 * 1024 * 1024,
  opsPerWriteMax: 1_000,
  writeBytesMax: 4 * 1024 * 1024,
  readsPerRequestMax: 1_000,
  readBytesMax: 16 * 1024 * 1024,
  watchesPerRequestMax: 1_000,
  changesPerAnswerMax: 1_000,
  waitingMax: 10_000,
  waitMsMax: 30_000,
  sessionTimeoutMsMin: 500,
  sessionTimeoutMsMax: 10 * 60_000,
  historyChangesMax: 20_000,
};

/** One question to the quorum's leader, brought there and back. */
export const LEADER_TIMEOUT_MS = 5_000;
/** How often those are looked at that wait for the tree to come to a place: records that change nothing are not told of. */
export const POSITION_CHECK_MS = 10;
