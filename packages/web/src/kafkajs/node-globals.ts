/** What KafkaJS takes for granted in Node, for the bundle of a page: esbuild's `inject` puts these where it names them, and nowhere else. */
export { PageBuffer as Buffer } from './buffer.ts';

export const process = {
  env: {},
  /** Seconds and nanoseconds since `from`. */
  hrtime(from: readonly [number, number] = [0, 0]): [number, number] {
    const nowMs = performance.now();
    const seconds = Math.floor(nowMs / 1000);
    const nanoseconds = Math.floor((nowMs % 1000) * 1e6) - from[1];
    return nanoseconds < 0
      ? [seconds - from[0] - 1, nanoseconds + 1e9]
      : [seconds - from[0], nanoseconds];
  },
};
