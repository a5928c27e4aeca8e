/** Numbers of chance from a pool: a call into the system costs more than the four bytes are worth. A number that was given is wiped out. */
import type { Random } from './random.ts';

const POOL_NUMBERS = 1024;

export function pooledNumbers(fill: (pool: Uint32Array<ArrayBuffer>) => void): Random['uint32'] {
  const pool = new Uint32Array(POOL_NUMBERS);
  let next = POOL_NUMBERS;
  return () => {
    if (next === POOL_NUMBERS) {
      fill(pool);
      next = 0;
    }
    const number = pool[next]!;
    pool[next++] = 0;
    return number;
  };
}
