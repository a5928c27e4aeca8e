/**
 * What can go wrong around the ensemble and is not a protocol-like answer. Each message says what to do. An operation that
 * the tree refuses is no error of this kind: it is a TreeError, a value.
 */
export type QuorumErrorKind =
  /** The disk refused: the member has stopped, and what was not yet committed may or may not be found after a restart. */
  | 'storage'
  /** Bytes that were once written well read otherwise now, or contradict each other. */
  | 'corrupt'
  /** Written by a newer version: a metadata log must not be skipped over. */
  | 'unknownRecord'
  /** The folder belongs to another node or to an older incarnation of this one. */
  | 'foreignState'
  /** A set of voters that no ensemble should have. */
  | 'unsupportedVoters'
  /** A question that only a majority can answer went unanswered: nothing has changed. */
  | 'unconfirmed'
  /** The member was closed, or lost its leadership, while a proposal waited: whether it was committed is not known. */
  | 'interrupted';

export class QuorumError extends Error {
  override readonly name = 'QuorumError';
  readonly kind: QuorumErrorKind;
  constructor(kind: QuorumErrorKind, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
  }
}

/** A broken invariant: never the environment's doing, and never to be caught and gone on from. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`quorum invariant broken: ${message}`);
}

export const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown));
