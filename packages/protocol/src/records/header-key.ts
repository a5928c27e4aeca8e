/**
 * Record header keys are UTF-8 strings, nearly all short ASCII: coded here without a detour. A lone surrogate and a
 * byte sequence that is no UTF-8 become U+FFFD, as TextEncoder and TextDecoder have it.
 */
const REPLACEMENT = 0xfffd;

export function headerKeyBytes(key: string): number {
  let size = key.length;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800) size += 1;
    else if (isPair(key, index)) {
      // Four bytes for two units.
      size += 2;
      index++;
    } else size += 2;
  }
  return size;
}

/** Gives the place behind. */
export function writeHeaderKey(bytes: Uint8Array, at: number, key: string): number {
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit < 0x80) {
      bytes[at++] = unit;
    } else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6);
      bytes[at++] = 0x80 | (unit & 0x3f);
    } else if (isPair(key, index)) {
      const point = key.codePointAt(index++)!;
      bytes[at++] = 0xf0 | (point >> 18);
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[at++] = 0x80 | (point & 0x3f);
    } else {
      const scalar = unit >= 0xd800 && unit <= 0xdfff ? REPLACEMENT : unit;
      bytes[at++] = 0xe0 | (scalar >> 12);
      bytes[at++] = 0x80 | ((scalar >> 6) & 0x3f);
      bytes[at++] = 0x80 | (scalar & 0x3f);
    }
  }
  return at;
}

export function headerKey(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++]!;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
    let point = more === 0 ? REPLACEMENT : first & (0x3f >> more);
    for (let left = more; left > 0; left--) {
      const next = bytes[at] ?? 0;
      if (!isContinuation(first, next, left === more)) {
        point = REPLACEMENT;
        break;
      }
      point = (point << 6) | (next & 0x3f);
      at++;
    }
    text += String.fromCodePoint(point);
  }
  return text;
}

/** The second byte's range is narrower after some first bytes: no overlong forms, no surrogates, nothing above U+10FFFF. */
function isContinuation(first: number, byte: number, isSecond: boolean): boolean {
  const low = isSecond && first === 0xe0 ? 0xa0 : isSecond && first === 0xf0 ? 0x90 : 0x80;
  const high = isSecond && first === 0xed ? 0x9f : isSecond && first === 0xf4 ? 0x8f : 0xbf;
  return byte >= low && byte <= high;
}

function isPair(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  if (unit < 0xd800 || unit > 0xdbff) return false;
  const next = text.charCodeAt(index + 1);
  return next >= 0xdc00 && next <= 0xdfff;
}
