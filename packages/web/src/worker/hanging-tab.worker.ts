/** For tests: a tab's worker that hangs when it is told to. */
import './tab.worker.ts';

globalThis.addEventListener('message', ({ data }: MessageEvent<{ hangForMs?: number }>) => {
  const endMs = performance.now() + (data.hangForMs ?? 0);
  while (performance.now() < endMs);
});
