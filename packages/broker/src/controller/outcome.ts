import type { ErrorCode } from '@odradek/protocol';

/** A protocol error as a value: what a reply carries. */
export interface Refusal {
  readonly errorCode: ErrorCode;
  readonly message: string | null;
}

export type Decision<T> =
  | { readonly ok: true; readonly value: T }
  | ({ readonly ok: false } & Refusal);

export const decided = <T>(value: T): Decision<T> => ({ ok: true, value });
export const refuse = (errorCode: ErrorCode, message: string | null = null): Decision<never> => ({
  ok: false,
  errorCode,
  message,
});
