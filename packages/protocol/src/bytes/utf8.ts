/**
 * UTF-8 in plain JavaScript, because TextEncoder and TextDecoder belong to hosts, not to the
 * language. Names on the wire are short and mostly ASCII, which is what the loops are laid out for.
 * What is not UTF-8 (and a surrogate without its other half) becomes U+FFFD, one for each maximal
 * broken part, as the WHATWG Encoding standard has it: decoding never fails.
 */

const REPLACEMENT = 0xfffd;
/** Arguments of one String.fromCharCode call; engines have a limit on them. */
const UNITS_PER_CALL = 4096;

/** How many bytes `text` takes in UTF-8. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      length += 1;
    } else {
      length += 2;
      // The two units of a pair together take four bytes.
      if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) i++;
    }
  }
  return length;
}

/**
 * Writes `text` into `target`, which has room for it from `position` on. Returns the position after
 * it.
 */
export function utf8Write(text: string, target: Uint8Array, position: number): number {
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i);
    if (point < 0x80) {
      target[position++] = point;
      continue;
    }
    if (point < 0x800) {
      target[position++] = 0xc0 | (point >> 6);
      target[position++] = 0x80 | (point & 0x3f);
      continue;
    }
    if (isHighSurrogate(point) && isLowSurrogate(text.charCodeAt(i + 1))) {
      point = 0x10000 + ((point & 0x3ff) << 10) + (text.charCodeAt(++i) & 0x3ff);
      target[position++] = 0xf0 | (point >> 18);
      target[position++] = 0x80 | ((point >> 12) & 0x3f);
    } else {
      if ((point & 0xf800) === 0xd800) point = REPLACEMENT;
      target[position++] = 0xe0 | (point >> 12);
    }
    target[position++] = 0x80 | ((point >> 6) & 0x3f);
    target[position++] = 0x80 | (point & 0x3f);
  }
  return position;
}

export function utf8Encode(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  utf8Write(text, bytes, 0);
  return bytes;
}

export function utf8Decode(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  let units: number[] = [];
  let i = start;
  while (i < end) {
    const lead = bytes[i++]!;
    if (lead < 0x80) {
      units.push(lead);
    } else {
      const rest = continuationsOf(lead);
      let point = rest === 0 ? REPLACEMENT : lead & (0x3f >> rest);
      for (let k = 0; k < rest; k++) {
        const next = i < end ? bytes[i]! : 0;
        if ((next & 0xc0) !== 0x80 || (k === 0 && !mayFollow(lead, next))) {
          point = REPLACEMENT;
          break;
        }
        point = (point << 6) | (next & 0x3f);
        i++;
      }
      if (point < 0x10000) units.push(point);
      else units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff));
    }
    if (units.length >= UNITS_PER_CALL) {
      text += String.fromCharCode.apply(null, units);
      units = [];
    }
  }
  return text + String.fromCharCode.apply(null, units);
}

/** Bytes that must follow a lead byte; 0 for a byte that cannot lead. */
function continuationsOf(lead: number): 0 | 1 | 2 | 3 {
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return 1;
  return lead < 0xf0 ? 2 : 3;
}

/**
 * Overlong forms, surrogates and points above U+10FFFF show in the second byte (Unicode, table
 * 3-7).
 */
function mayFollow(lead: number, second: number): boolean {
  switch (lead) {
    case 0xe0:
      return second >= 0xa0;
    case 0xed:
      return second < 0xa0;
    case 0xf0:
      return second >= 0x90;
    case 0xf4:
      return second < 0x90;
    default:
      return true;
  }
}

const isHighSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xd800;
const isLowSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xdc00;
