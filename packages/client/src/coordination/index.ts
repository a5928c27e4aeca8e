export { Coordination } from './coordination.ts';
export type {
  CoordinationOptions,
  Counter,
  CreateOptions,
  VersionOptions,
  WaitingOptions,
  WatchOptions,
} from './coordination.ts';
export type { ElectedLeader, ElectionOptions } from './recipes/leader-election.ts';
export type { HeldLock, LockOptions } from './recipes/lock.ts';
export type { JoinedGroup, JoinOptions, Member } from './recipes/membership.ts';
export type { SessionOptions, SessionSnapshot, SessionStatus } from './session.ts';
export { OutcomeUnknown, SessionLost, TreeRefused } from './tree-errors.ts';
export type { TreeErrorCode } from './tree-errors.ts';
export { childPath, nameOf, parentOf, ROOT } from './tree-path.ts';
export type {
  OpDone,
  TreeChange,
  TreeNode,
  TreeOp,
  TreeStat,
  TreeState,
  TreeWatch,
  Written,
} from './tree-types.ts';
export type { ReadOptions } from './tree-wire.ts';
