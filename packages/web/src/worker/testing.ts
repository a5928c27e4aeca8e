/** For tests: workers from programs in one piece. */
import { commands } from 'vitest/browser';

declare module 'vitest/browser' {
  interface BrowserCommands {
    bundleWorker(path: string): Promise<string>;
  }
}

/** Makes workers that run this file of the folder. */
export async function workersOf(file: string): Promise<() => Worker> {
  const code = await commands.bundleWorker(`packages/web/src/worker/${file}`);
  const program = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  return () => new Worker(program, { type: 'module' });
}
