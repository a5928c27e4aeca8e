/**
 * CRC-32C in WebAssembly, for hosts without a native one: browsers. (Measured in Node it is no slower than the native one at any
 * length: 6.7 against 5.9 GB/s at 16 KiB, 1.9 against 1.4 at 200 bytes.)
 *
 * Short inputs go through sixteen tables, 16 bytes a step. Longer ones are first folded with v128 xors. The fold rests on a sparse
 * multiple of the polynomial (found by search; the test proves it):
 *
 *     x^(8·209) + x^(8·144) + x^(8·54) + x^(8·39) + x^(8·14) + 1  ≡  0
 *
 * so that a byte may be struck out where it stands if it is xored onto the bytes 65, 155, 170, 195 and 209 places further
 * on. All but the last 209 to 272 bytes are struck out so, four vectors a step, since 65 is more than 64. Written
 * as a gather: folded[i] = input[i] ^ folded[i-65] ^ folded[i-155] ^ folded[i-170] ^ folded[i-195] ^ folded[i-209].
 */
import { crc32cJs } from './crc32c-js.ts';
import { slicingTables } from './crc32c.ts';
import type { Crc32c } from './crc32c.ts';
import * as wasm from './wasm-assembler.ts';
import type { Code } from './wasm-assembler.ts';

/** The part of the global WebAssembly object that is needed. */
export interface WebAssemblyLike<Module> {
  readonly validate: (bytes: Uint8Array<ArrayBuffer>) => boolean;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => Module;
  readonly Instance: new (module: Module) => { readonly exports: object };
}

const SPAN = 209;
const DISTANCES = [65, 155, 170, 195, SPAN];
/** Four vectors; less than the shortest distance. */
const STEP_BYTES = 64;
/** Where folding begins to pay (measured). It must not be less than SPAN + STEP_BYTES. */
const FOLD_FROM_BYTES = 512;

const TABLES = 16;
/** Zeros before the input: what the fold gathers there is nothing. */
const PAD_BYTES = 256;
const INPUT_AT = TABLES * 1024 + PAD_BYTES;
/** Longer inputs are summed piece by piece. Small enough to stay in a core's cache. */
const PIECE_BYTES = 65536;
/** Behind what is zeroed past the end of the folded part. */
const TAIL_AT = INPUT_AT + PIECE_BYTES + 512;
const ZEROED_BYTES = 288;
const PAGES = 2;

/** Where WebAssembly has no SIMD (browsers before 2023) this is the JavaScript one. */
export function createWasmCrc32c<Module>(webAssembly: WebAssemblyLike<Module>): Crc32c {
  const bytes = crcModule();
  if (!webAssembly.validate(bytes)) return crc32cJs;
  const { memory, run } = new webAssembly.Instance(new webAssembly.Module(bytes)).exports as {
    memory: { buffer: ArrayBuffer };
    run: (end: number, crc: number) => number;
  };
  new Int32Array(memory.buffer).set(slicingTables(TABLES));
  const heap = new Uint8Array(memory.buffer);

  return (input, seed = 0) => {
    const { length } = input;
    if (length <= PIECE_BYTES) {
      heap.set(input, INPUT_AT);
      return ~run(INPUT_AT + length, ~seed) >>> 0;
    }
    let crc = ~seed;
    for (let at = 0; at < length; at += PIECE_BYTES) {
      const piece = input.subarray(at, at + PIECE_BYTES);
      heap.set(piece, INPUT_AT);
      crc = run(INPUT_AT + piece.length, crc);
    }
    return ~crc >>> 0;
  };
}

function crcModule(): Uint8Array<ArrayBuffer> {
  const {
    localGet,
    localSet,
    i32,
    add,
    subtract,
    and,
    xor,
    isLess,
    load8,
    load32,
    store32,
    load128,
    store128,
    xor128,
    zero128,
    when,
    repeatWhile,
  } = wasm;
  // Parameters, then locals.
  const [end, crc, at, fold, word] = [0, 1, 2, 3, 4];
  const [END, CRC, AT, FOLD, WORD] = [end, crc, at, fold, word].map(localGet) as [
    Code,
    Code,
    Code,
    Code,
    Code,
  ];
  const advance = (bytes: number) => localSet(at, add(AT, i32(bytes)));

  /** The vector at `address` + `offset` xored with those that fold onto it, `back` being SPAN bytes before it. */
  const gathered = (vector: Code, back: Code, offset: number) =>
    DISTANCES.reduce<Code>(
      (sum, distance) => xor128(sum, load128(back, SPAN - distance + offset)),
      vector,
    );

  const foldInput = [
    store32(i32(INPUT_AT), xor(load32(i32(INPUT_AT)), CRC)),
    localSet(crc, i32(0)),
    localSet(fold, add(i32(INPUT_AT), and(subtract(END, i32(INPUT_AT + SPAN)), i32(-STEP_BYTES)))),
    repeatWhile(
      isLess(AT, FOLD),
      localSet(word, subtract(AT, i32(SPAN))),
      ...[0, 16, 32, 48].map((offset) =>
        store128(AT, gathered(load128(AT, offset), WORD, offset), offset),
      ),
      advance(STEP_BYTES),
    ),
  ];
  // The tail gathers from the folded part alone: it is taken away first, and zeros put in its place.
  const foldTail = [
    repeatWhile(isLess(AT, END), store128(subtract(AT, FOLD), load128(AT), TAIL_AT), advance(16)),
    ...Array.from({ length: ZEROED_BYTES / 16 }, (_, index) => store128(FOLD, zero128, index * 16)),
    localSet(at, FOLD),
    repeatWhile(
      isLess(AT, END),
      localSet(word, subtract(AT, FOLD)),
      store128(WORD, gathered(load128(WORD, TAIL_AT), subtract(AT, i32(SPAN)), 0), TAIL_AT),
      advance(16),
    ),
    localSet(end, add(i32(TAIL_AT), subtract(END, FOLD))),
    localSet(at, i32(TAIL_AT)),
  ];

  /** Byte `index` of WORD as an index into a table of four-byte entries. */
  const entry = (index: number) =>
    and(
      index === 0 ? wasm.shiftLeft(WORD, i32(2)) : wasm.shiftRight(WORD, i32(8 * index - 2)),
      i32(0x3fc),
    );
  const looked = (first: number) =>
    [0, 1, 2, 3]
      .map((index) => load32(entry(index), (TABLES - 1 - first - index) * 1024))
      .reduce((left, right) => xor(left, right));
  const sixteenBytes = [
    localSet(word, xor(load32(AT), CRC)),
    localSet(crc, looked(0)),
    ...[4, 8, 12].flatMap((first) => [
      localSet(word, load32(AT, first)),
      localSet(crc, xor(CRC, looked(first))),
    ]),
    advance(16),
  ];
  const oneByte = [
    localSet(word, xor(CRC, load8(AT))),
    localSet(crc, xor(wasm.shiftRight(CRC, i32(8)), load32(entry(0)))),
    advance(1),
  ];

  return wasm.moduleBytes({
    pages: PAGES,
    parameters: 2,
    locals: 3,
    body: [
      localSet(at, i32(INPUT_AT)),
      when(isLess(i32(INPUT_AT + FOLD_FROM_BYTES - 1), END), ...foldInput, ...foldTail),
      when(
        isLess(add(AT, i32(15)), END),
        repeatWhile(isLess(add(AT, i32(15)), END), ...sixteenBytes),
      ),
      when(isLess(AT, END), repeatWhile(isLess(AT, END), ...oneByte)),
      CRC,
    ],
  });
}
