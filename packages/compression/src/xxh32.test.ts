import { expect, it } from 'vitest';
import { xxh32 } from './xxh32.ts';

/** Published values of xxHash with seed 0. */
it.each([
  ['', 0x02cc5d05],
  ['a', 0x550d7456],
  ['abc', 0x32d153ff],
  ['Nobody inspects the spammish repetition', 0xe2293b2f],
])('xxh32 of %j', (text, hash) => {
  expect(xxh32(new TextEncoder().encode(text))).toBe(hash);
  expect(xxh32(new TextEncoder().encode(`xx${text}x`), 2, 2 + text.length)).toBe(hash);
});
