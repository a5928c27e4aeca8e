/**
 * zstd in WebAssembly: libzstd as @bokuweb/zstd-wasm (0.0.27) compiles it. Its own JavaScript starts asynchronously and trusts the sizes
 * that a frame declares, so that its module is instantiated here and given the few imports that it has.
 *
 * Memory of an instance only grows. One that a large input has blown up is let go of, and the next call makes another from the
 * compiled module.
 */
import { CompressionError } from '@odradek/ports';
import { corrupt, tooLarge } from './errors.ts';
import { zstdBound } from './zstd-frame.ts';

/** The parts of the global WebAssembly object that are needed; Node's types name it without its values. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  readonly compile: (bytes: Uint8Array) => Promise<object>;
};

/** In Node at once; in a page aside, where a compiler on the page's own thread would be felt. */
export const compileZstdSync = (wasm: Uint8Array): object => new WebAssembly.Module(wasm);
export const compileZstd = (wasm: Uint8Array): Promise<object> => WebAssembly.compile(wasm);

/** The names are those that its build shortened them to. */
interface Exports {
  /** memory */
  readonly f: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  /** static constructors */
  readonly g: () => void;
  /** ZSTD_isError(result) */
  readonly h: (result: number) => number;
  /** ZSTD_compressBound(length) */
  readonly i: (length: number) => number;
  /** ZSTD_createCCtx() */
  readonly j: () => number;
  /** ZSTD_compress_usingDict(context, to, toCapacity, from, fromLength, dictionary, dictionaryLength, level) */
  readonly l: (
    context: number,
    to: number,
    capacity: number,
    from: number,
    length: number,
    dictionary: number,
    dictionaryLength: number,
    level: number,
  ) => number;
  /** ZSTD_createDCtx() */
  readonly n: () => number;
  /** ZSTD_decompress_usingDict(context, to, toCapacity, from, fromLength, dictionary, dictionaryLength) */
  readonly q: (
    context: number,
    to: number,
    capacity: number,
    from: number,
    length: number,
    dictionary: number,
    dictionaryLength: number,
  ) => number;
  /** malloc(length) and free(pointer) */
  readonly s: (length: number) => number;
  readonly t: (pointer: number) => void;
}

const LEVEL = 3;
const PAGE_BYTES = 65536;
/** Room that is asked for beyond what is needed, so that memory does not grow page by page. */
const GROWTH_MIN_BYTES = 1 << 20;
const RETAINED_BYTES_MAX = 32 << 20;
/** ZSTD_error_dstSize_tooSmall, negated as results have it. */
const TOO_SMALL = -70;
/** The first guess for an output whose size is not known, and by how much it grows. */
const GUESS_FACTOR = 8;

export class ZstdWasm {
  readonly #module: object;
  #instance: Instance | undefined;

  constructor(module: object) {
    this.#module = module;
  }

  compress(bytes: Uint8Array): Uint8Array {
    return this.#use((instance) => instance.compress(bytes));
  }

  decompress(bytes: Uint8Array, limitBytes: number): Uint8Array {
    const { bytesMax, isExact } = zstdBound(bytes);
    if (isExact && bytesMax > limitBytes) throw tooLarge(limitBytes);
    const capacityMax = Math.min(bytesMax, limitBytes);
    return this.#use((instance) => {
      let capacity = isExact
        ? capacityMax
        : Math.min(capacityMax, Math.max(PAGE_BYTES, GUESS_FACTOR * bytes.length));
      for (;;) {
        const output = instance.decompress(bytes, capacity);
        if (typeof output !== 'number') return output;
        if (output !== TOO_SMALL) return corrupt(`not valid zstd (${output})`);
        if (capacity === capacityMax)
          return bytesMax > limitBytes
            ? tooLarge(limitBytes)
            : corrupt('a zstd frame is longer than it says');
        capacity = Math.min(capacityMax, capacity * GUESS_FACTOR);
      }
    });
  }

  /** Errors that are returned leave the instance as it was; one that was thrown may have stopped it half-way, and ends its use. */
  #use(work: (instance: Instance) => Uint8Array | CompressionError): Uint8Array {
    const instance = (this.#instance ??= new Instance(this.#module));
    this.#instance = undefined;
    const output = work(instance);
    if (instance.memoryBytes <= RETAINED_BYTES_MAX) this.#instance = instance;
    if (output instanceof CompressionError) throw output;
    return output;
  }
}

class Instance {
  readonly #exports: Exports;
  #compressor = 0;
  #decompressor = 0;

  constructor(module: object) {
    const stop = () => {
      throw new Error('zstd stopped');
    };
    const imports = {
      a: stop, // proc_exit
      b: () => {}, // keepalive
      c: stop, // abort
      d: () => 0, // setitimer
      e: (bytes: number) => this.#growTo(bytes >>> 0),
    };
    this.#exports = new WebAssembly.Instance(module, { a: imports }).exports as Exports;
    this.#exports.g();
  }

  get memoryBytes(): number {
    return this.#exports.f.buffer.byteLength;
  }

  compress(bytes: Uint8Array): Uint8Array {
    const zstd = this.#exports;
    this.#compressor ||= this.#allocated(zstd.j());
    const capacity = zstd.i(bytes.length);
    return this.#withBuffers(bytes, capacity, (from, to) => {
      const size = zstd.l(this.#compressor, to, capacity, from, bytes.length, 0, 0, LEVEL);
      if (zstd.h(size)) throw new Error(`zstd cannot compress (${size})`);
      return this.#copy(to, size);
    });
  }

  /** A number is zstd's error, TOO_SMALL when it does not fit in `capacity`. */
  decompress(bytes: Uint8Array, capacity: number): Uint8Array | number {
    const zstd = this.#exports;
    this.#decompressor ||= this.#allocated(zstd.n());
    return this.#withBuffers(bytes, capacity, (from, to) => {
      const size = zstd.q(this.#decompressor, to, capacity, from, bytes.length, 0, 0);
      return zstd.h(size) ? size : this.#copy(to, size);
    });
  }

  #withBuffers<Result>(
    bytes: Uint8Array,
    capacity: number,
    work: (from: number, to: number) => Result,
  ): Result {
    const zstd = this.#exports;
    const from = this.#allocated(zstd.s(bytes.length || 1));
    const to = this.#allocated(zstd.s(capacity || 1));
    new Uint8Array(zstd.f.buffer).set(bytes, from);
    const result = work(from, to);
    zstd.t(to);
    zstd.t(from);
    return result;
  }

  #copy(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#exports.f.buffer).slice(at, at + length);
  }

  #allocated(pointer: number): number {
    if (pointer === 0) throw new CompressionError('tooLarge', 'there is no memory left for zstd');
    return pointer;
  }

  #growTo(bytes: number): number {
    const memory = this.#exports.f;
    const wanted = Math.max(bytes - memory.buffer.byteLength, GROWTH_MIN_BYTES);
    try {
      memory.grow(Math.ceil(wanted / PAGE_BYTES));
      return 1;
    } catch {
      return 0;
    }
  }
}
