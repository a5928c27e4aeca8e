export { QuorumError, type QuorumErrorKind } from './errors.ts';
export { QUORUM_LIMITS, type QuorumLimits, type TreeLimits } from './limits.ts';
export type { ChangeListener } from './member/committed-tree.ts';
export type { QuorumAppend, QuorumLog, QuorumRead } from './member/quorum-log.ts';
export {
  METADATA_FOLDER,
  QuorumMember,
  type MemberSnapshot,
  type Proposal,
  type QuorumMemberOptions,
  type SessionOpened,
} from './member/quorum-member.ts';
export { quorumMemberMachine, type MemberRole } from './member/quorum-member.machine.ts';
export { deleteAll } from './tree/decide.ts';
export type {
  ReadonlyTree,
  Session,
  SessionEnd,
  SessionId,
  TreeChange,
  TreeNode,
} from './tree/node.ts';
export type { OpResult, TreeError, TreeErrorCode, TreeOp } from './tree/operation.ts';
export { childPath, nameOf, parentOf, ROOT } from './tree/path.ts';
export { concerns, type Watch } from './tree/watch.ts';
