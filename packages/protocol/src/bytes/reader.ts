/**
 * Reads the protocol's primitive types from one frame. Whoever sent the frame is not trusted: every
 * length and count is compared with the bytes that are left before anything is made of it, and what
 * a frame may turn into is bounded by its size.
 *
 * The bound counts slots: the places for one value (8 bytes in V8) that arrays and objects take.
 * Dense frames are the danger, not false lengths: 100 MiB of empty names is a hundred million
 * honest two-byte structs, and several GB of objects.
 */
import type { Uuid } from '../ids.ts';
import { MalformedFrame } from './malformed-frame.ts';
import { utf8Decode } from './utf8.ts';
import { uuidFromBytes } from './uuid.ts';

/**
 * Slots for each byte of a larger frame, which holds memory below eight times the frame. Requests
 * with names of usual length take less.
 */
export const SLOTS_PER_BYTE = 1;
/** Slots that any frame may take, however small: 4 MiB. Tens of thousands of short names fit. */
export const SLOTS_MIN = 524_288;
/**
 * Slots that no frame may pass, however large: 256 MiB. Also keeps arrays below the size from which
 * V8 makes them hash tables.
 */
export const SLOTS_MAX = 33_554_432;
/** Kafka holds strings to an int16, also where their length is a varint. */
export const STRING_BYTES_MAX = 32_767;
/**
 * What V8 spends on an object's header, on an array with its store, on a string, on a view of
 * bytes.
 */
export const OBJECT_SLOTS = 3;
export const ARRAY_SLOTS = 6;
export const STRING_SLOTS = 3;
export const UUID_SLOTS = 7;
export const BYTES_SLOTS = 14;
/**
 * Elements of an array whose elements take no bytes at all. No declared message has one; a new one
 * must not become a bomb.
 */
export const EMPTY_ELEMENTS_MAX = 1024;

const TWO_POW_32 = 2 ** 32;

export class Reader {
  /** What is being read, for error messages: "MetadataRequest v12". */
  subject = 'frame';
  position = 0;
  /** Where reading ends; moved only while a tagged field is read. */
  private end: number;
  private slotsLeft: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, slotsPerByte: number = SLOTS_PER_BYTE) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.end = bytes.length;
    this.slotsLeft = Math.min(SLOTS_MAX, Math.max(SLOTS_MIN, bytes.length * slotsPerByte));
  }

  get bytesLeft(): number {
    return this.end - this.position;
  }

  int8(): number {
    return this.view.getInt8(this.advance(1));
  }

  uint8(): number {
    return this.view.getUint8(this.advance(1));
  }

  int16(): number {
    return this.view.getInt16(this.advance(2));
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2));
  }

  int32(): number {
    return this.view.getInt32(this.advance(4));
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4));
  }

  /** The nearest double: exact up to 2^53, which no offset, id or timestamp in use comes near. */
  int64(): number {
    const at = this.advance(8);
    return this.view.getInt32(at) * TWO_POW_32 + this.view.getUint32(at + 4);
  }

  float64(): number {
    return this.view.getFloat64(this.advance(8));
  }

  boolean(): boolean {
    return this.bytes[this.advance(1)] !== 0;
  }

  uuid(): Uuid {
    this.charge(UUID_SLOTS);
    return uuidFromBytes(this.bytes, this.advance(16));
  }

  /** Seven bits a byte, lowest first; at most 32 bits in five bytes. */
  unsignedVarint(): number {
    let byte = this.bytes[this.advance(1)]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift <= 28; shift += 7) {
      byte = this.bytes[this.advance(1)]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) this.fail('a varint of more than 32 bits');
        return value >>> 0;
      }
    }
    return this.fail('a varint of more than five bytes');
  }

  /** Zig-zag: small negative numbers are short, too. */
  varint(): number {
    const value = this.unsignedVarint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** Zig-zag of 64 bits in up to ten bytes; beyond 2^53 the nearest double. */
  varlong(): number {
    let byte = this.bytes[this.advance(1)]!;
    const sign = byte & 1;
    let magnitude = (byte & 0x7f) >>> 1;
    for (let bits = 6; byte >= 0x80; bits += 7) {
      if (bits > 62) this.fail('a varint of more than ten bytes');
      byte = this.bytes[this.advance(1)]!;
      if (bits === 62 && byte > 1) this.fail('a varint of more than 64 bits');
      magnitude += (byte & 0x7f) * 2 ** bits;
    }
    return sign === 0 ? magnitude : -magnitude - 1;
  }

  nullableString(): string | null {
    return this.text(this.int16());
  }

  compactNullableString(): string | null {
    return this.text(this.unsignedVarint() - 1);
  }

  /** A view on the frame, not a copy. */
  nullableBytes(): Uint8Array | null {
    const length = this.int32();
    return length < 0 ? null : this.raw(length);
  }

  /** A view on the frame, not a copy. */
  compactNullableBytes(): Uint8Array | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : this.raw(length);
  }

  /** The next `length` bytes, as a view. */
  raw(length: number): Uint8Array {
    const at = this.advance(length);
    this.charge(BYTES_SLOTS);
    // Not subarray: on a Node Buffer that would make a Buffer again.
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + at, length);
  }

  skip(length: number): void {
    this.advance(length);
  }

  /**
   * The count of an array, -1 for null. `elementBytesMin` is what the smallest possible element
   * takes here, `elementSlots` what each takes in memory besides its own strings and arrays.
   */
  arrayLength(elementBytesMin: number, elementSlots: number): number {
    return this.count(this.int32(), elementBytesMin, elementSlots);
  }

  compactArrayLength(elementBytesMin: number, elementSlots: number): number {
    return this.count(this.unsignedVarint() - 1, elementBytesMin, elementSlots);
  }

  /**
   * Refuses a count that cannot be true, then takes its slots from the frame's allowance. Negative
   * counts are null.
   */
  private count(count: number, elementBytesMin: number, elementSlots: number): number {
    if (count <= 0) return count < 0 ? -1 : 0;
    if (
      elementBytesMin === 0 ? count > EMPTY_ELEMENTS_MAX : count * elementBytesMin > this.bytesLeft
    ) {
      this.fail(
        `${count} elements of at least ${elementBytesMin} bytes where ${this.bytesLeft} bytes are left`,
      );
    }
    this.charge(ARRAY_SLOTS + count * elementSlots);
    return count;
  }

  /** Takes slots from the frame's allowance. */
  charge(slots: number): void {
    this.slotsLeft -= slots;
    if (this.slotsLeft < 0) {
      this.fail(`more values than a frame of ${this.bytes.length} bytes may hold`);
    }
  }

  /** Confines reading to the next `length` bytes. Returns what `leave` needs to undo it. */
  enter(length: number): number {
    const outerEnd = this.end;
    if (length > outerEnd - this.position) this.tooShort(length);
    this.end = this.position + length;
    return outerEnd;
  }

  /** Ends what `enter` began; the confined part must have been read to its end. */
  leave(outerEnd: number): void {
    if (this.position !== this.end) this.fail(`${this.bytesLeft} bytes too many in a tagged field`);
    this.end = outerEnd;
  }

  fail(reason: string): never {
    throw new MalformedFrame(
      `${this.subject}: ${reason} (byte ${this.position} of ${this.bytes.length})`,
    );
  }

  private text(length: number): string | null {
    if (length < 0) return null;
    if (length > STRING_BYTES_MAX) this.fail(`a string of ${length} bytes`);
    if (length === 0) return '';
    this.charge(STRING_SLOTS);
    const at = this.advance(length);
    return utf8Decode(this.bytes, at, at + length);
  }

  private advance(length: number): number {
    const at = this.position;
    if (length > this.end - at) this.tooShort(length);
    this.position = at + length;
    return at;
  }

  private tooShort(length: number): never {
    return this.fail(`${length} bytes expected where ${this.bytesLeft} are left`);
  }
}
