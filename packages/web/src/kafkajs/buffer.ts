/**
 * The part of Node's Buffer that KafkaJS 2.2.4 uses, over Uint8Array, for the bundle of a page. Not a general Buffer: what KafkaJS does not call
 * is not here. Numbers are big-endian, text is UTF-8, `slice` is a view.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class PageBuffer extends Uint8Array {
  static override from(
    source: string | ArrayBufferLike | ArrayLike<number> | Iterable<number>,
    ...rest: unknown[]
  ): PageBuffer {
    if (typeof source === 'string') return encode(source, rest[0] as string | undefined);
    if (source instanceof ArrayBuffer) {
      const [at, length] = rest as [number?, number?];
      return new PageBuffer(source, at, length);
    }
    return new PageBuffer(Uint8Array.from(source as ArrayLike<number>));
  }

  static alloc(size: number): PageBuffer {
    return new PageBuffer(size);
  }

  static allocUnsafe(size: number): PageBuffer {
    return new PageBuffer(size);
  }

  static isBuffer(value: unknown): value is PageBuffer {
    return value instanceof PageBuffer;
  }

  static byteLength(value: string | ArrayBufferView): number {
    return typeof value === 'string' ? encoder.encode(value).length : value.byteLength;
  }

  static concat(list: readonly Uint8Array[]): PageBuffer {
    const whole = new PageBuffer(list.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const each of list) {
      whole.set(each, at);
      at += each.length;
    }
    return whole;
  }

  get #view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.byteLength);
  }

  override slice(start?: number, end?: number): PageBuffer {
    return this.subarray(start, end) as PageBuffer;
  }

  copy(target: Uint8Array, at = 0, start = 0, end = this.length): number {
    const part = this.subarray(start, Math.min(end, start + target.length - at));
    target.set(part, at);
    return part.length;
  }

  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, at) => byte === other[at]);
  }

  write(text: string, at = 0, length = this.length - at): number {
    return encoder.encodeInto(text, this.subarray(at, at + length)).written;
  }

  override toString(encoding = 'utf8', start = 0, end = this.length): string {
    const part = this.subarray(start, end);
    switch (encoding) {
      case 'utf8':
      case 'utf-8':
        return decoder.decode(part);
      case 'hex':
        return Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join('');
      case 'base64':
        return btoa(binary(part));
      case 'latin1':
      case 'binary':
        return binary(part);
      default:
        throw new RangeError(`${encoding} is not among utf8, hex, base64, latin1`);
    }
  }

  toJSON(): { readonly type: 'Buffer'; readonly data: readonly number[] } {
    return { type: 'Buffer', data: Array.from(this) };
  }

  readInt8(at = 0): number {
    return this.#view.getInt8(at);
  }
  readInt16BE(at = 0): number {
    return this.#view.getInt16(at);
  }
  readInt32BE(at = 0): number {
    return this.#view.getInt32(at);
  }
  readUInt32BE(at = 0): number {
    return this.#view.getUint32(at);
  }
  readDoubleBE(at = 0): number {
    return this.#view.getFloat64(at);
  }
  writeInt8(value: number, at = 0): void {
    this.#view.setInt8(at, value);
  }
  writeInt16BE(value: number, at = 0): void {
    this.#view.setInt16(at, value);
  }
  writeInt32BE(value: number, at = 0): void {
    this.#view.setInt32(at, value);
  }
  writeUInt32BE(value: number, at = 0): void {
    this.#view.setUint32(at, value);
  }
  writeDoubleBE(value: number, at = 0): void {
    this.#view.setFloat64(at, value);
  }
}

function encode(text: string, encoding = 'utf8'): PageBuffer {
  switch (encoding) {
    case 'utf8':
    case 'utf-8':
      return new PageBuffer(encoder.encode(text).buffer);
    case 'base64':
      return encode(atob(text), 'latin1');
    case 'hex':
      return new PageBuffer(
        Array.from({ length: text.length >> 1 }, (_, n) =>
          Number.parseInt(text.substr(n * 2, 2), 16),
        ),
      );
    case 'latin1':
    case 'binary':
      return new PageBuffer(Array.from(text, (character) => character.charCodeAt(0)));
    default:
      throw new RangeError(`${encoding} is not among utf8, hex, base64, latin1`);
  }
}

const binary = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
