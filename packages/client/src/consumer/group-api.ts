/** The APIs of groups. Apart from the others, since a page loads them when it has a group. */
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
  joinGroupRequest,
  joinGroupResponse,
  syncGroupRequest,
  syncGroupResponse,
  heartbeatRequest,
  heartbeatResponse,
  leaveGroupRequest,
  leaveGroupResponse,
  offsetCommitRequest,
  offsetCommitResponse,
  offsetFetchRequest,
  offsetFetchResponse,
} from '@odradek/protocol';
import { api } from '../api.ts';

export const findCoordinatorApi = /*@__PURE__*/ api(
  findCoordinatorRequest,
  findCoordinatorResponse,
  6,
);
export const joinGroupApi = /*@__PURE__*/ api(joinGroupRequest, joinGroupResponse, 9);
export const syncGroupApi = /*@__PURE__*/ api(syncGroupRequest, syncGroupResponse, 5);
export const heartbeatApi = /*@__PURE__*/ api(heartbeatRequest, heartbeatResponse, 4);
export const leaveGroupApi = /*@__PURE__*/ api(leaveGroupRequest, leaveGroupResponse, 5);
// Topics are named: OffsetCommit 10 and OffsetFetch 10 take ids.
export const offsetCommitApi = /*@__PURE__*/ api(offsetCommitRequest, offsetCommitResponse, 9);
export const offsetFetchApi = /*@__PURE__*/ api(offsetFetchRequest, offsetFetchResponse, 9);
