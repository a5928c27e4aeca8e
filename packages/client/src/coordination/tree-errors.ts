/** What can go wrong with the tree, beside what can go wrong with any request. */
import { TreeResult } from '@odradek/protocol';
import { ClientError } from '../errors.ts';
import type { ClientErrorOptions } from '../errors.ts';

export type TreeErrorCode = Exclude<keyof typeof TreeResult, 'ok'>;

/** The tree refuses an operation: nothing was done. */
export class TreeRefused extends ClientError {
  override readonly name = 'TreeRefused';
  readonly code: TreeErrorCode;
  /** Which operation of the multi. */
  readonly opIndex: number;
  readonly retriable: boolean;

  constructor(code: TreeErrorCode, message: string, opIndex = 0) {
    super(message);
    this.code = code;
    this.opIndex = opIndex;
    this.retriable = code === 'overloaded';
  }
}

/** A write may have been done or not: read with `fresh` before trying again. */
export class OutcomeUnknown extends ClientError {
  override readonly name = 'OutcomeUnknown';
  readonly retriable = false;

  constructor(options: ClientErrorOptions) {
    super('whether the tree was changed is not known: read it before trying again', options);
  }
}

/** The session has ended, and what was bound to it is gone or will be: open another, and begin again. */
export class SessionLost extends ClientError {
  override readonly name = 'SessionLost';
  readonly retriable = false;
}

const NAMES = new Map(Object.entries(TreeResult).map(([name, code]) => [code as number, name]));

/** A broker may be newer than this table. */
export const treeErrorCode = (result: number): TreeErrorCode =>
  (NAMES.get(result) ?? 'invalidPath') as TreeErrorCode;
