export { QuorumError, type QuorumErrorKind } from './errors.ts';
export { QUORUM_LIMITS, type QuorumLimits, type TreeLimits } from './limits.ts';
export type { ChangeListener } from './member/committed-tree.ts';
export type { QuorumAppend, QuorumLog, QuorumRead } from './member/quorum-log.ts';
export type { VoterChange } from './member/leadership.ts';
export { METADATA_TOPIC_ID, METADATA_TOPIC_NAME } from './member/messages.ts';
export type { QuorumPeers } from './member/peers.ts';
export type { Outcome } from './member/proposals.ts';
export { QuorumMember } from './member/quorum-member.ts';
export {
  METADATA_FOLDER,
  type MemberSnapshot,
  type NotLeader,
  type Proposal,
  type QuorumDescription,
  type QuorumMemberOptions,
  type SessionOpened,
} from './member/quorum-member.types.ts';
export type { MemberRole } from './member/quorum-member.events.ts';
export { quorumMemberMachine } from './member/quorum-member.machine.ts';
export type { ReplicaDescription, ReplicaKey } from './member/replica-progress.ts';
export type { Voter, VoterEndpoint, VoterSet } from './member/voters.ts';
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
