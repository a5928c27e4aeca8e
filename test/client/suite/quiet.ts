/** The client says what it has to say to its caller: nothing goes to the console, and no promise is rejected where nobody listens. */
import { afterAll, beforeAll, expect } from 'vitest';

const METHODS = ['debug', 'log', 'info', 'warn', 'error', 'trace'] as const;

/** Around everything that is described in the same block. */
export function quiet(): void {
  const heard: string[] = [];
  const restore: (() => void)[] = [];

  beforeAll(() => {
    for (const method of METHODS) {
      const before = console[method];
      console[method] = (...args: unknown[]) => heard.push(`console.${method}: ${args.join(' ')}`);
      restore.push(() => (console[method] = before));
    }
    restore.push(onUnhandled((reason) => heard.push(`unhandled: ${String(reason)}`)));
  });
  afterAll(async () => {
    // Rejections are told a turn later.
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const each of restore) each();
    expect(heard).toEqual([]);
  });
}

/** A page or a worker, or Node. */
interface Host {
  readonly process?: {
    on(type: string, listener: (reason: unknown) => void): void;
    off(type: string, listener: (reason: unknown) => void): void;
  };
  addEventListener?(type: string, listener: (event: { reason: unknown }) => void): void;
  removeEventListener?(type: string, listener: (event: { reason: unknown }) => void): void;
}

function onUnhandled(tell: (reason: unknown) => void): () => void {
  const host = globalThis as Host;
  if (host.addEventListener === undefined) {
    host.process?.on('unhandledRejection', tell);
    return () => host.process?.off('unhandledRejection', tell);
  }
  const listener = ({ reason }: { reason: unknown }): void => tell(reason);
  host.addEventListener('unhandledrejection', listener);
  return () => host.removeEventListener?.('unhandledrejection', listener);
}
