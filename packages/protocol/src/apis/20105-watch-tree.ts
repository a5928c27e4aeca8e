/** WatchTree: key 20105, version 0, flexible; Odradek's own. */
import { array, boolean, errorCode, int32, int64, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/**
 * What has changed since a place in the log, or changes next: a long poll. The asker keeps the place, not the broker: it goes on
 * at any other, without a gap and without going back.
 */
export const watchTreeRequest = /*@__PURE__*/ message(
  { key: 20105, name: 'WatchTreeRequest', versions: [0, 0], flexible: 0 },
  () => ({
    /** The first offset that the asker has not seen. */
    fromOffset: int64(),
    maxWaitMs: int32(),
    watches: array({
      path: string(),
      /** See TreeWatchScope. */
      scope: int8(),
    }),
  }),
);
export type WatchTreeRequest = Body<typeof watchTreeRequest>;

/** REQUEST_TIMED_OUT: this broker's tree has not come to `fromOffset`. INVALID_REQUEST. */
export const watchTreeResponse = /*@__PURE__*/ message(
  { key: 20105, name: 'WatchTreeResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    /** Where to go on. */
    nextOffset: int64({ default: -1 }),
    /** This broker does not remember so far back: anything may have changed before `nextOffset`, and has to be read. */
    isGap: boolean({ default: false }),
    /** In the order of the log, whole steps only. */
    changes: array({
      /** See TreeChangeKind. */
      kind: int8(),
      path: string(),
      offset: int64(),
    }),
  }),
);
export type WatchTreeResponse = Body<typeof watchTreeResponse>;
