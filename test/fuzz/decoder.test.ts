/** Damaged frames of every API and version against the decoder alone: each is read, or refused by name before it costs memory. */
import { fuzzDecode } from '@odradek/protocol/testing';
import { describe, expect, it } from 'vitest';

const FRAMES = 2_000_000;
const FRAMES_AT_ONCE = 100_000;

const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_122);

describe(`damaged frames (seed ${seed})`, () => {
  it(`${FRAMES.toLocaleString('en')} of them are read or refused by the decoder`, () => {
    let refused = 0;
    for (let done = 0; done < FRAMES; done += FRAMES_AT_ONCE) {
      const report = fuzzDecode(seed + done, FRAMES_AT_ONCE);
      expect(report.frames).toBe(FRAMES_AT_ONCE);
      refused += report.refused;
    }
    expect(refused).toBeGreaterThan(FRAMES / 10);
  }, 240_000);
});
