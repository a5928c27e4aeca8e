/**
 * As much of a WebAssembly assembler as one module of one function needs: instructions as arrays of bytes, nested as the
 * stack machine takes them. The module is made when it is first asked for, so that no binary is kept in the repository and
 * nothing needs to be fetched: a page allows it with `wasm-unsafe-eval` alone.
 */
export type Code = readonly number[];

export const localGet = (local: number): Code => [0x20, local];
export const localSet = (local: number, value: Code): Code => [...value, 0x21, local];
export const i32 = (value: number): Code => [0x41, ...signedLeb(value)];

export const add = (left: Code, right: Code): Code => [...left, ...right, 0x6a];
export const subtract = (left: Code, right: Code): Code => [...left, ...right, 0x6b];
export const and = (left: Code, right: Code): Code => [...left, ...right, 0x71];
export const xor = (left: Code, right: Code): Code => [...left, ...right, 0x73];
export const shiftLeft = (left: Code, right: Code): Code => [...left, ...right, 0x74];
export const shiftRight = (left: Code, right: Code): Code => [...left, ...right, 0x76];
/** Unsigned; addresses stay far below 2^31. */
export const isLess = (left: Code, right: Code): Code => [...left, ...right, 0x49];

export const load8 = (address: Code, offset = 0): Code => [...address, 0x2d, 0, ...leb(offset)];
export const load32 = (address: Code, offset = 0): Code => [...address, 0x28, 0, ...leb(offset)];
export const store32 = (address: Code, value: Code, offset = 0): Code => [
  ...address,
  ...value,
  0x36,
  0,
  ...leb(offset),
];

export const load128 = (address: Code, offset = 0): Code => [
  ...address,
  0xfd,
  0x00,
  0,
  ...leb(offset),
];
export const store128 = (address: Code, value: Code, offset = 0): Code => [
  ...address,
  ...value,
  0xfd,
  0x0b,
  0,
  ...leb(offset),
];
export const xor128 = (left: Code, right: Code): Code => [...left, ...right, 0xfd, 0x51];
export const zero128: Code = [0xfd, 0x0c, ...Array<number>(16).fill(0)];

export const when = (condition: Code, ...then: Code[]): Code => [
  ...condition,
  0x04,
  0x40,
  ...then.flat(),
  0x0b,
];
/** The body runs once at least. */
export const repeatWhile = (condition: Code, ...body: Code[]): Code => [
  0x03,
  0x40,
  ...body.flat(),
  ...condition,
  0x0d,
  0,
  0x0b,
];

/** A module that exports its memory as `memory` and one function, of i32s to an i32, as `run`. */
export function moduleBytes(parts: {
  pages: number;
  parameters: number;
  locals: number;
  body: readonly Code[];
}): Uint8Array<ArrayBuffer> {
  const I32 = 0x7f;
  const code = [1, ...leb(parts.locals), I32, ...parts.body.flat(), 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [
      1,
      0x60,
      ...leb(parts.parameters),
      ...Array<number>(parts.parameters).fill(I32),
      1,
      I32,
    ]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, ...leb(parts.pages)]),
    ...section(7, [2, ...named('memory'), 2, 0, ...named('run'), 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

function section(id: number, contents: readonly number[]): number[] {
  return [id, ...leb(contents.length), ...contents];
}

function named(name: string): number[] {
  return [name.length, ...Array.from(name, (letter) => letter.charCodeAt(0))];
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

function signedLeb(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  return (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)
    ? [low]
    : [low | 0x80, ...signedLeb(rest)];
}
