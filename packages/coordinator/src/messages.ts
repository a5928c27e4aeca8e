/** The bodies that the coordinator takes and gives: the protocol's own. A reply is what an encoder takes, so that defaults may be left out. */
import type {
  deleteGroupsResponse,
  describeGroupsResponse,
  heartbeatResponse,
  Input,
  joinGroupResponse,
  leaveGroupResponse,
  listGroupsResponse,
  offsetCommitResponse,
  offsetDeleteResponse,
  offsetFetchResponse,
  syncGroupResponse,
} from '@odradek/protocol';

export type {
  DeleteGroupsRequest,
  DescribeGroupsRequest,
  HeartbeatRequest,
  JoinGroupRequest,
  LeaveGroupRequest,
  ListGroupsRequest,
  OffsetCommitRequest,
  OffsetDeleteRequest,
  OffsetFetchRequest,
  SyncGroupRequest,
} from '@odradek/protocol';

export type JoinGroupReply = Input<typeof joinGroupResponse>;
export type SyncGroupReply = Input<typeof syncGroupResponse>;
export type HeartbeatReply = Input<typeof heartbeatResponse>;
export type LeaveGroupReply = Input<typeof leaveGroupResponse>;
export type OffsetCommitReply = Input<typeof offsetCommitResponse>;
export type OffsetFetchReply = Input<typeof offsetFetchResponse>;
export type DescribeGroupsReply = Input<typeof describeGroupsResponse>;
export type ListGroupsReply = Input<typeof listGroupsResponse>;
export type DeleteGroupsReply = Input<typeof deleteGroupsResponse>;
export type OffsetDeleteReply = Input<typeof offsetDeleteResponse>;

/** Who asks, and in which version. */
export interface RequestContext {
  readonly apiVersion: number;
  /** Empty when the client gave none. */
  readonly clientId: string;
  /** As people read it in a description of the group; Kafka's form is "/127.0.0.1". */
  readonly clientHost: string;
}
