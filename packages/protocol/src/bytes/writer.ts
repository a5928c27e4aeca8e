/**
 * Writes the protocol's primitive types into a list of chunks. Small writes gather in a scratch
 * buffer that grows; bytes of some size are referenced where they are, because a fetch response is
 * a few fields around megabytes that must not be copied. A chunk that was handed out is never
 * written again.
 *
 * Values are the broker's own, so that one which does not fit its type is a bug: it throws
 * UnencodableValue.
 */
import type { Uuid } from '../ids.ts';
import { STRING_BYTES_MAX } from './reader.ts';
import { utf8Length, utf8Write } from './utf8.ts';
import { uuidWrite } from './uuid.ts';

/**
 * From this size on, bytes are referenced. Below it a copy costs less than one more chunk to send.
 */
export const REFERENCED_BYTES_MIN = 1024;
const SCRATCH_BYTES = 256;
const GROWTH = 4;

const TWO_POW_32 = 2 ** 32;
/**
 * The doubles nearest to the ends of int64, as decoding gives them; Kafka uses them for "no limit".
 */
const INT64_MAX = 2 ** 63;
const INT64_MIN = -(2 ** 63);

export class UnencodableValue extends Error {
  override readonly name = 'UnencodableValue';
}

export class Writer {
  private readonly chunks: Uint8Array[] = [];
  private chunkedBytes = 0;
  private scratch: Uint8Array;
  private view: DataView;
  /** What lies in the scratch before this is part of `chunks` already. */
  private start = 0;
  private position = 0;

  constructor(scratchBytes: number = SCRATCH_BYTES) {
    this.scratch = new Uint8Array(scratchBytes);
    this.view = new DataView(this.scratch.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.chunkedBytes + this.position - this.start;
  }

  /** What was written, in order. The writer is done. */
  finish(): Uint8Array[] {
    this.closeChunk();
    return this.chunks;
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) unencodable('int8', value);
    const at = this.room(1);
    this.view.setInt8(at, value);
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) unencodable('int16', value);
    const at = this.room(2);
    this.view.setInt16(at, value);
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) unencodable('uint16', value);
    const at = this.room(2);
    this.view.setUint16(at, value);
  }

  int32(value: number): void {
    if ((value | 0) !== value) unencodable('int32', value);
    const at = this.room(4);
    this.view.setInt32(at, value);
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) unencodable('uint32', value);
    const at = this.room(4);
    this.view.setUint32(at, value);
  }

  /** A safe integer, or one of the doubles that stand for the ends of the range. */
  int64(value: number): void {
    const at = this.room(8);
    if (Number.isSafeInteger(value)) {
      this.view.setInt32(at, Math.floor(value / TWO_POW_32));
      this.view.setUint32(at + 4, value >>> 0);
    } else if (value === INT64_MAX) {
      this.view.setUint32(at, 0x7fffffff);
      this.view.setUint32(at + 4, 0xffffffff);
    } else if (value === INT64_MIN) {
      this.view.setUint32(at, 0x80000000);
      this.view.setUint32(at + 4, 0);
    } else {
      unencodable('int64', value);
    }
  }

  float64(value: number): void {
    if (typeof value !== 'number') unencodable('float64', value);
    const at = this.room(8);
    this.view.setFloat64(at, value);
  }

  boolean(value: boolean): void {
    if (typeof value !== 'boolean') unencodable('boolean', value);
    const at = this.room(1);
    this.view.setInt8(at, value ? 1 : 0);
  }

  uuid(value: Uuid): void {
    if (typeof value !== 'string') unencodable('uuid', value);
    const at = this.room(16);
    uuidWrite(value, this.scratch, at);
  }

  unsignedVarint(value: number): void {
    if (value >>> 0 !== value) unencodable('unsigned varint', value);
    let at = this.room(5);
    while (value >= 0x80) {
      this.scratch[at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    this.scratch[at++] = value;
    this.position = at;
  }

  varint(value: number): void {
    if ((value | 0) !== value) unencodable('varint', value);
    this.unsignedVarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  varlong(value: number): void {
    if (!Number.isSafeInteger(value)) unencodable('varlong', value);
    // Zig-zag doubles, which may pass 2^53: so the sign is put in as the first byte is made.
    let rest = value < 0 ? -value - 1 : value;
    let byte = ((rest % 64) << 1) | (value < 0 ? 1 : 0);
    rest = Math.floor(rest / 64);
    let at = this.room(10);
    while (rest > 0) {
      this.scratch[at++] = byte | 0x80;
      byte = rest % 128;
      rest = Math.floor(rest / 128);
    }
    this.scratch[at++] = byte;
    this.position = at;
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.string(value);
  }

  string(value: string): void {
    const length = stringLength(value);
    this.int16(length);
    this.text(value, length);
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.unsignedVarint(0);
    else this.compactString(value);
  }

  compactString(value: string): void {
    const length = stringLength(value);
    this.unsignedVarint(length + 1);
    this.text(value, length);
  }

  /**
   * The bytes themselves, without a length: referenced from REFERENCED_BYTES_MIN on, copied below.
   */
  raw(bytes: Uint8Array): void {
    if (bytes.length < REFERENCED_BYTES_MIN) {
      const at = this.room(bytes.length);
      this.scratch.set(bytes, at);
    } else {
      this.closeChunk();
      this.chunks.push(bytes);
      this.chunkedBytes += bytes.length;
    }
  }

  private text(value: string, length: number): void {
    const at = this.room(length);
    utf8Write(value, this.scratch, at);
  }

  /** Ends the chunk that is being gathered; the scratch goes on behind it. */
  private closeChunk(): void {
    if (this.position === this.start) return;
    this.chunks.push(this.scratch.subarray(this.start, this.position));
    this.chunkedBytes += this.position - this.start;
    this.start = this.position;
  }

  /**
   * Makes room for `length` bytes and takes it. Returns where. To be called before `scratch` or
   * `view` is looked at: growing replaces them.
   */
  private room(length: number): number {
    if (this.position + length > this.scratch.length) this.grow(length);
    const at = this.position;
    this.position = at + length;
    return at;
  }

  private grow(length: number): void {
    const gathered = this.scratch.subarray(this.start, this.position);
    const scratch = new Uint8Array(
      Math.max(GROWTH * this.scratch.length, gathered.length + length),
    );
    scratch.set(gathered);
    this.scratch = scratch;
    this.view = new DataView(scratch.buffer);
    this.start = 0;
    this.position = gathered.length;
  }
}

function stringLength(value: string): number {
  if (typeof value !== 'string') unencodable('string', value);
  const length = utf8Length(value);
  if (length > STRING_BYTES_MAX)
    throw new UnencodableValue(`a string of ${length} bytes, more than ${STRING_BYTES_MAX}`);
  return length;
}

function unencodable(type: string, value: unknown): never {
  throw new UnencodableValue(`${String(value)} is no ${type}`);
}
