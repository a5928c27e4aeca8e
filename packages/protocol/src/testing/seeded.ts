/**
 * Chance for tests: one seed, one history. (mulberry32: 32 bits of state are plenty for choosing
 * test data, and a failing case is told by its seed.)
 */
export interface Chance {
  /** Uniform in [0, 2^32). */
  uint32(): number;
  /** Uniform in [0, limit). */
  below(limit: number): number;
  /** True once in `odds` times. */
  oneIn(odds: number): boolean;
  pick<T>(choices: readonly T[]): T;
}

export function seeded(seed: number): Chance {
  let state = seed | 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => Math.floor((uint32() / 2 ** 32) * limit);
  return {
    uint32,
    below,
    oneIn: (odds) => below(odds) === 0,
    pick: (choices) => choices[below(choices.length)]!,
  };
}
