/** ReadTree: key 20103, version 0, flexible; Odradek's own. */
import { array, boolean, bytes, errorCode, int32, int64, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { treeStat } from './tree-words.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** All reads are answered from one state of the tree, that of the broker which is asked. */
export const readTreeRequest = /*@__PURE__*/ message(
  { key: 20103, name: 'ReadTreeRequest', versions: [0, 0], flexible: 0 },
  () => ({
    /** No state that lacks what is below: what a client has seen once it never sees undone. */
    minOffset: int64({ default: 0 }),
    /** Nothing older than this request: the quorum's leader is asked how far the tree has come. */
    isFresh: boolean({ default: false }),
    /** For either of them. */
    maxWaitMs: int32(),
    reads: array({
      /** See TreeReadKind. */
      kind: int8(),
      path: string(),
    }),
  }),
);
export type ReadTreeRequest = Body<typeof readTreeRequest>;

/** REQUEST_TIMED_OUT: this broker's tree is too old, or nobody could say how old it is. INVALID_REQUEST. */
export const readTreeResponse = /*@__PURE__*/ message(
  { key: 20103, name: 'ReadTreeResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    /** The first offset of the metadata log that is not in the tree which was read. */
    treeOffset: int64({ default: -1 }),
    results: array({
      /** See TreeResult: ok, noNode, invalidPath. */
      result: int8(),
      ...treeStat(),
      /** Null unless it was asked for. */
      value: bytes({ nullable: true, default: null }),
      /** Names, sorted; null unless they were asked for. */
      children: array(string(), { nullable: true, default: null }),
    }),
  }),
);
export type ReadTreeResponse = Body<typeof readTreeResponse>;
