/**
 * The words in which a message is declared. A field is plain data: its kind, the versions that have
 * it, what stands for it where it is absent. TypeScript infers from the same words what a decoded
 * body holds (`Body`) and what an encoder must be given (`Input`); nothing is generated.
 *
 * One type serves all versions of a message. A field that a version does not have is read as its
 * default and is not written; callers that must know ask for the version.
 */
import type { ErrorCode } from '../error-codes.ts';
import type { Uuid } from '../ids.ts';

export interface FieldOptions {
  /** First version that has the field. */
  readonly since?: number;
  /** Last version that has it. */
  readonly until?: number;
  /** Null may be sent: in every version, or from this one on. */
  readonly nullable?: true | number;
  /**
   * Where the field is absent or left out. Without it: 0, false, '', [], or a struct of defaults.
   */
  readonly default?: boolean | number | string | null;
  /** KIP-482: sent under this tag at the end of its struct, and only when it is not the default. */
  readonly tag?: number;
}

export type Kind =
  | { readonly type: ScalarType }
  | { readonly type: 'array'; readonly element: Kind }
  | { readonly type: 'struct'; readonly shape: Shape };

export type ScalarType =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records';

/** `Out` comes from decoding, `In` goes into encoding; an `Omissible` one may be left out there. */
export interface Field<Out = unknown, In = unknown, Omissible extends boolean = boolean> {
  readonly kind: Kind;
  readonly options: FieldOptions;
  /** Of types only; never there. */
  readonly types?: { readonly out: Out; readonly in: In; readonly omissible: Omissible };
}

/** Fields in wire order. */
export type Shape = { readonly [name: string]: Field };

export type BodyOf<S extends Shape> = {
  readonly [K in keyof S]: S[K] extends Field<infer Out, unknown> ? Out : never;
};

export type InputOf<S extends Shape> = {
  readonly [K in keyof S as S[K] extends Field<unknown, unknown, true> ? never : K]: In<S[K]>;
} & {
  readonly [K in keyof S as S[K] extends Field<unknown, unknown, true> ? K : never]?:
    | In<S[K]>
    | undefined;
};

type In<F> = F extends Field<unknown, infer Input> ? Input : never;

/** A field of the options `O`: what may be null, and what need not be given to an encoder. */
type Made<Out, In, O extends FieldOptions> = Field<
  O extends { nullable: true | number } ? Out | null : Out,
  O extends { nullable: true | number } ? In | null : In,
  O extends { default: unknown } | { since: number } | { until: number } | { tag: number }
    ? true
    : false
>;

type None = Record<never, never>;

/** A builder of one scalar type. */
const scalar =
  <Out, In = Out>(type: ScalarType) =>
  <const O extends FieldOptions = None>(options?: O): Made<Out, In, O> => ({
    kind: { type },
    options: options ?? {},
  });

export const boolean = /*@__PURE__*/ scalar<boolean>('boolean');
export const int8 = /*@__PURE__*/ scalar<number>('int8');
export const int16 = /*@__PURE__*/ scalar<number>('int16');
export const uint16 = /*@__PURE__*/ scalar<number>('uint16');
export const int32 = /*@__PURE__*/ scalar<number>('int32');
export const uint32 = /*@__PURE__*/ scalar<number>('uint32');
/** Exact to 2^53; see Reader.int64. */
export const int64 = /*@__PURE__*/ scalar<number>('int64');
export const float64 = /*@__PURE__*/ scalar<number>('float64');
export const string = /*@__PURE__*/ scalar<string>('string');
export const uuid = /*@__PURE__*/ scalar<Uuid>('uuid');
/** Decoded to a view on the frame. */
export const bytes = /*@__PURE__*/ scalar<Uint8Array>('bytes');
/**
 * Record batches. Decoded to a view on the frame; an encoder may give pieces, as a log reads them,
 * and none is copied.
 */
export const records = /*@__PURE__*/ scalar<Uint8Array, Uint8Array | readonly Uint8Array[]>(
  'records',
);
export const errorCode = /*@__PURE__*/ scalar<ErrorCode>('int16');

/** An array of scalars (`array(string())`) or of structs (`array({ name: string() })`). */
export function array<Out, In, const O extends FieldOptions = None>(
  element: Field<Out, In>,
  options?: O,
): Made<readonly Out[], readonly In[], O>;
export function array<S extends Shape, const O extends FieldOptions = None>(
  element: S,
  options?: O,
): Made<readonly BodyOf<S>[], readonly InputOf<S>[], O>;
export function array(element: Field | Shape, options: FieldOptions = {}): Field {
  const kind: Kind = isField(element) ? element.kind : { type: 'struct', shape: element };
  return { kind: { type: 'array', element: kind }, options };
}

export const struct = <S extends Shape, const O extends FieldOptions = None>(
  shape: S,
  options?: O,
): Made<BodyOf<S>, InputOf<S>, O> => ({ kind: { type: 'struct', shape }, options: options ?? {} });

/**
 * A field's kind is data; a struct's shape holds fields, and none of them is called `kind` with a
 * type in it.
 */
function isField(element: Field | Shape): element is Field {
  return typeof (element as Field).kind?.type === 'string';
}
