/**
 * In a page: what groups need (the membership, the assignors, their requests) is fetched when a consumer with a group is made, and a page without
 * one does not load it (`#group-share` in package.json, under the condition `browser`).
 */
import { ConnectionLost } from '../errors.ts';
import type { LoadGroupShare } from './group-at-once.ts';

/** Rejects with what may pass: the page may be offline. */
export const loadGroupShare: LoadGroupShare = async () => {
  try {
    return (await import('./group-share.ts')).GroupShare;
  } catch (cause) {
    throw new ConnectionLost("the program's part for consumer groups cannot be fetched", { cause });
  }
};
