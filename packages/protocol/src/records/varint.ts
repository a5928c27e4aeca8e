/**
 * Zigzag varints as records hold them (KIP-98, after protocol buffers), for the one loop that reads every record. The
 * cursor never reads outside of the buffer harmfully: past the end a byte counts as 0, which ends the number, and the
 * caller finds `at` beyond its limit. Overlong numbers set `at` to infinity, which no limit admits.
 */
const TWO_TO_27 = 134217728;

export class RecordCursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** int32: sizes, counts, offset deltas. At most five bytes. */
  varint(): number {
    const first = this.bytes[this.at++]!;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    return this.#longVarint(first);
  }

  #longVarint(first: number): number {
    const { bytes } = this;
    let value = first & 0x7f;
    for (let shift = 7; shift <= 28; shift += 7) {
      const byte = bytes[this.at++]!;
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return (value >>> 1) ^ -(value & 1);
    }
    this.at = Infinity;
    return 0;
  }

  /** int64: timestamp deltas. At most ten bytes; exact within ±2^53, the nearest double beyond. */
  varlong(): number {
    const first = this.bytes[this.at++]!;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    return this.#longVarlong(first);
  }

  #longVarlong(first: number): number {
    const { bytes } = this;
    let low = first & 0x7f;
    for (let shift = 7; shift <= 21; shift += 7) {
      const byte = bytes[this.at++]!;
      low |= (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return (low >>> 1) ^ -(low & 1);
    }
    // Past 28 bits the rest is counted in doubles: the sign is bit 0, so the magnitude is high * 2^27 + low / 2.
    let high = 0;
    let weight = 1;
    for (let count = 4; count < 10; count++) {
      const byte = bytes[this.at++]!;
      high += (byte & 0x7f) * weight;
      weight *= 128;
      if ((byte & 0x80) === 0) {
        // 64 bits hold 36 above the low 28; Java drops what the tenth byte has beyond.
        const magnitude = (high % 68719476736) * TWO_TO_27 + (low >>> 1);
        return low & 1 ? -magnitude - 1 : magnitude;
      }
    }
    this.at = Infinity;
    return 0;
  }
}

export function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80
    ? 1
    : zigzag < 0x4000
      ? 2
      : zigzag < 0x200000
        ? 3
        : zigzag < 0x10000000
          ? 4
          : 5;
}

/** Gives the place behind. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  while (zigzag >= 0x80) {
    bytes[at++] = zigzag | 0x80;
    zigzag >>>= 7;
  }
  bytes[at] = zigzag;
  return at + 1;
}

/** For safe integers. */
export function varlongBytes(value: number): number {
  if (value === (value | 0)) return varintBytes(value);
  // Bits of the zigzag number are one more than the magnitude's, and each byte holds seven.
  let magnitude = value < 0 ? -(value + 1) : value;
  let count = 1;
  for (
    magnitude = Math.floor(magnitude / 64);
    magnitude >= 1;
    magnitude = Math.floor(magnitude / 128)
  )
    count++;
  return count;
}

/** For safe integers. Gives the place behind. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (value === (value | 0)) return writeVarint(bytes, at, value);
  const sign = value < 0 ? 1 : 0;
  let magnitude = sign ? -(value + 1) : value;
  // The zigzag number (up to 2^54) would not be exact: its lowest seven bits are six of the magnitude and the sign.
  let seven = (magnitude % 64) * 2 + sign;
  magnitude = Math.floor(magnitude / 64);
  while (magnitude >= 1) {
    bytes[at++] = seven | 0x80;
    seven = magnitude % 128;
    magnitude = Math.floor(magnitude / 128);
  }
  bytes[at] = seven;
  return at + 1;
}
