/** The APIs that this client calls: request and response side by side, and the versions that it can speak. */
import {
  apiVersionsRequest,
  apiVersionsResponse,
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
  fetchRequest,
  fetchResponse,
  initProducerIdRequest,
  initProducerIdResponse,
  listOffsetsRequest,
  listOffsetsResponse,
  metadataRequest,
  metadataResponse,
  produceRequest,
  produceResponse,
} from '@odradek/protocol';
import type { Message } from '@odradek/protocol';

export interface Api<In, Out> {
  readonly request: Message<unknown, In>;
  readonly response: Message<Out>;
  /** The highest version in which the client fills all that the version asks for. */
  readonly maxVersion: number;
}

export const api = <In, Out>(
  request: Message<unknown, In>,
  response: Message<Out>,
  maxVersion = request.info.versions[1],
): Api<In, Out> => ({ request, response, maxVersion });

export const apiVersionsApi = /*@__PURE__*/ api(apiVersionsRequest, apiVersionsResponse, 3);
export const metadataApi = /*@__PURE__*/ api(metadataRequest, metadataResponse, 12);
// Topics are named, not numbered by id: that begins with Produce 13 and Fetch 13. 12 is for transactions.
export const produceApi = /*@__PURE__*/ api(produceRequest, produceResponse, 11);
export const fetchApi = /*@__PURE__*/ api(fetchRequest, fetchResponse, 12);
export const listOffsetsApi = /*@__PURE__*/ api(listOffsetsRequest, listOffsetsResponse, 7);
export const initProducerIdApi = /*@__PURE__*/ api(
  initProducerIdRequest,
  initProducerIdResponse,
  4,
);

export const offsetForLeaderEpochApi = /*@__PURE__*/ api(
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
  4,
);
