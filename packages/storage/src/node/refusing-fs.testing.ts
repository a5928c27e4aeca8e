/** A file system for tests: the real one, until it is told to refuse, to be short or to wait. */
import * as nodeFs from 'node:fs';
import type { NodeFs } from './io.ts';

type Call = keyof NodeFs;
type Callback = (error: NodeJS.ErrnoException | null, ...results: unknown[]) => void;

export interface RefusingFs {
  readonly fs: NodeFs;
  /** After `afterCount` more of these calls, `times` of them give this error. */
  refuseNext(call: Call, code: string, afterCount?: number, times?: number): void;
  /** Each write takes at most this many bytes from now on. */
  shortWrites(bytesMax: number): void;
  /** How often each call was made. */
  readonly counts: Map<Call, number>;
  /** Calls of this sort wait until the returned function is called. */
  hold(call: Call): () => void;
}

const calls: readonly Call[] = [
  'open',
  'close',
  'read',
  'writev',
  'fstat',
  'ftruncate',
  'fdatasync',
  'fsync',
  'stat',
  'readdir',
  'mkdir',
  'rmdir',
  'unlink',
  'rename',
  'link',
];

export function refusingFs(): RefusingFs {
  const counts = new Map<Call, number>();
  const refusals: { call: Call; code: string; afterCount: number; times: number }[] = [];
  const held = new Map<Call, (() => void)[]>();
  let writeBytesMax = Number.POSITIVE_INFINITY;

  const refusal = (call: Call): NodeJS.ErrnoException | undefined => {
    const planned = refusals.find((other) => other.call === call && other.times > 0);
    if (planned === undefined) return undefined;
    if (planned.afterCount-- > 0) return undefined;
    planned.times -= 1;
    return Object.assign(new Error(`${planned.code}: refused, ${call}`), { code: planned.code });
  };

  const fs = Object.fromEntries(
    calls.map((call) => [
      call,
      (...args: unknown[]) => {
        counts.set(call, (counts.get(call) ?? 0) + 1);
        const go = (): void => {
          const error = refusal(call);
          if (error !== undefined) return void setImmediate(args.at(-1) as Callback, error);
          if (call === 'writev') args[1] = firstBytes(args[1] as Uint8Array[], writeBytesMax);
          (nodeFs[call] as (...all: unknown[]) => void)(...args);
        };
        const waiting = held.get(call);
        if (waiting === undefined) go();
        else waiting.push(go);
      },
    ]),
  ) as unknown as NodeFs;

  return {
    fs,
    counts,
    refuseNext: (call, code, afterCount = 0, times = 1) =>
      void refusals.push({ call, code, afterCount, times }),
    shortWrites: (bytesMax) => void (writeBytesMax = bytesMax),
    hold(call) {
      held.set(call, []);
      return () => {
        const waiting = held.get(call) ?? [];
        held.delete(call);
        for (const go of waiting) go();
      };
    },
  };
}

function firstBytes(chunks: readonly Uint8Array[], bytesMax: number): readonly Uint8Array[] {
  const kept: Uint8Array[] = [];
  let left = bytesMax;
  for (const chunk of chunks) {
    if (left > 0) kept.push(chunk.subarray(0, left));
    left -= chunk.length;
  }
  return kept;
}
