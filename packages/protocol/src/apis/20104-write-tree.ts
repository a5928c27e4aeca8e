/** WriteTree: key 20104, version 0, flexible; Odradek's own. */
import { array, boolean, bytes, errorCode, int32, int64, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { treeStat } from './tree-words.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** All operations or none, in one step that everybody sees at once. */
export const writeTreeRequest = /*@__PURE__*/ message(
  { key: 20104, name: 'WriteTreeRequest', versions: [0, 0], flexible: 0 },
  () => ({
    /** -1: in none. Ephemeral nodes need one; with one, nothing is done once it has ended. */
    sessionId: int64({ default: -1 }),
    timeoutMs: int32(),
    ops: array({
      /** See TreeOpKind. */
      kind: int8(),
      /** Of a sequential node the beginning: ten digits follow. */
      path: string(),
      value: bytes({ nullable: true, default: null }),
      /** -1: whatever version it is in. */
      expectedVersion: int32({ default: -1 }),
      isEphemeral: boolean({ default: false }),
      isSequential: boolean({ default: false }),
    }),
  }),
);
export type WriteTreeRequest = Body<typeof writeTreeRequest>;

/**
 * The tree's word is `result`: NONE with another result than ok says that nothing was done, and why. NOT_CONTROLLER: no leader
 * of the quorum could be asked, and nothing was done. REQUEST_TIMED_OUT: whether it was done is not known. INVALID_REQUEST.
 */
export const writeTreeResponse = /*@__PURE__*/ message(
  { key: 20104, name: 'WriteTreeResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    /** See TreeResult. */
    result: int8({ default: 0 }),
    /** The operation that the result is about. */
    failedOp: int32({ default: -1 }),
    /** Of the last record that was written: a tree that has it has the write. */
    offset: int64({ default: -1 }),
    /** One for each operation; of a deleted node only the path. */
    results: array({ path: string(), ...treeStat() }),
  }),
);
export type WriteTreeResponse = Body<typeof writeTreeResponse>;
