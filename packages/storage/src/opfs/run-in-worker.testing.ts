/**
 * Tests where there are no pages: a worker runs vitest's own runner over a file of tests, and tells the page each outcome, which
 * the page tells as a test of its own. What the file says is what is run: `describe`, `it` and `expect` are vitest's.
 */
import { startTests } from 'vitest/internal/browser';

export interface WorkerOutcome {
  /** From the outermost `describe` to the test. */
  readonly path: readonly string[];
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly errors: readonly string[];
}

interface Task {
  readonly type: 'test' | 'suite';
  readonly name: string;
  readonly tasks?: readonly Task[];
  readonly result?: {
    readonly state?: string;
    readonly errors?: readonly { readonly message?: string; readonly stack?: string }[];
  };
}

const TIMEOUT_MS = 20_000;

/** In the worker: runs the tests that `load` declares when it is imported, and posts the outcomes. */
export async function runTests(load: () => Promise<unknown>): Promise<void> {
  const config = {
    root: '/',
    setupFiles: [],
    name: 'worker',
    passWithNoTests: false,
    testNamePattern: undefined,
    allowOnly: false,
    sequence: { shuffle: false, concurrent: false, seed: 1, hooks: 'stack', setupFiles: 'list' },
    chaiConfig: undefined,
    maxConcurrency: 1,
    testTimeout: TIMEOUT_MS,
    hookTimeout: TIMEOUT_MS,
    retry: 0,
    includeTaskLocation: false,
    diffOptions: undefined,
    tags: [],
    tagsFilter: undefined,
    strictTags: false,
    mergeReportsLabel: undefined,
    fileParallelism: false,
    snapshotOptions: { expand: false },
    expect: {},
  };
  // What `expect` looks up.
  Object.assign(globalThis, {
    __vitest_worker__: { config, filepath: '/worker', providedContext: {} },
  });
  try {
    const files = (await startTests(['/worker'], {
      config,
      pool: 'worker',
      importFile: load,
    } as unknown as Parameters<typeof startTests>[1])) as unknown as readonly Task[];
    postMessage(files.flatMap((file) => outcomesOf(file, [])));
  } catch (error) {
    const errors = [error instanceof Error ? String(error.stack) : String(error)];
    postMessage([{ path: ['the worker'], state: 'failed', errors }]);
  }
}

function outcomesOf(task: Task, above: readonly string[]): WorkerOutcome[] {
  const path = task.name === '/worker' ? above : [...above, task.name];
  const errors = (task.result?.errors ?? []).map((it) => it.stack ?? it.message ?? 'failed');
  if (task.type === 'test') {
    const state = task.result?.state === 'pass' ? 'passed' : 'failed';
    return [{ path, state, errors }];
  }
  const below = (task.tasks ?? []).flatMap((it) => outcomesOf(it, path));
  return errors.length === 0 ? below : [...below, { path, state: 'failed', errors }];
}

/** In the page. */
export function outcomesFrom(worker: Worker): Promise<readonly WorkerOutcome[]> {
  return new Promise((resolve) => {
    worker.addEventListener('message', ({ data }: MessageEvent<readonly WorkerOutcome[]>) => {
      worker.terminate();
      resolve(data);
    });
    worker.addEventListener('error', ({ message }) =>
      resolve([{ path: ['the worker'], state: 'failed', errors: [message] }]),
    );
  });
}
