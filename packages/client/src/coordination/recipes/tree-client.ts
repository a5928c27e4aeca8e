/**
 * The tree as the recipes see it, in one life of a session. All that they need of it is order: writes are answered when they are
 * committed, reads go forward only and see what was written before, and watches tell of what comes behind all that was read.
 */
import type { AbortSignalLike } from '@odradek/ports';
import { abandoned } from '../../retry.ts';
import { OutcomeUnknown, SessionLost, TreeRefused } from '../tree-errors.ts';
import { parentOf, ROOT } from '../tree-path.ts';
import type { TreeNode, TreeOp, TreeWatch, Written } from '../tree-types.ts';

export interface TreeReader {
  get(path: string): Promise<TreeNode | undefined>;
  /** Sorted names; undefined without such a node. */
  children(path: string): Promise<readonly string[] | undefined>;
  /** What is read from now on is no older than this call. */
  sync(): Promise<void>;
  /** Called after each change that concerns the watch; `failed` once, when it cannot go on. */
  watch(watch: TreeWatch, changed: () => void, failed: (error: Error) => void): () => void;
}

export interface TreeWriter extends TreeReader {
  /** Rejects with TreeRefused, or with OutcomeUnknown where it is not known whether it was done. */
  write(ops: readonly TreeOp[]): Promise<Written>;
}

export interface TreeClient extends TreeWriter {
  readonly sessionId: number;
  /** By this host's clock, at this very moment. */
  readonly isAlive: boolean;
  /** Called once, when the session is over. */
  onEnd(ended: (error: Error) => void): () => void;
  /** For names that nobody else has. */
  uniqueName(): string;
}

/** The node and all above it, where they are not there yet. */
export async function ensurePath(tree: TreeWriter, path: string): Promise<void> {
  if (path === ROOT || (await tree.get(path)) !== undefined) return;
  await ensurePath(tree, parentOf(path));
  try {
    await tree.write([{ op: 'create', path }]);
  } catch (error) {
    if (!isRefusal(error, 'nodeExists')) throw error;
  }
}

/** Of one write, when nobody says what became of it. */
export const ATTEMPTS_MAX = 10;

/** An ephemeral node of this session, until it is known to be gone. The session's end takes it away in any case. */
export async function removeOwn(tree: TreeClient, path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await tree.write([{ op: 'delete', path }]);
      return;
    } catch (error) {
      if (isRefusal(error, 'noNode', 'sessionExpired') || error instanceof SessionLost) return;
      if (!(error instanceof OutcomeUnknown) || attempt === ATTEMPTS_MAX) throw error;
    }
    // Gone, and another may have made one of that name since.
    await tree.sync();
    if ((await tree.get(path))?.ephemeralOwner !== tree.sessionId) return;
  }
}

export const isRefusal = (error: unknown, ...codes: readonly TreeRefused['code'][]): boolean =>
  error instanceof TreeRefused && codes.includes(error.code);

/** Resolves when `isSo` does with something, looking again after each change; rejects when the session ends or the signal says so. */
export function when<T>(
  tree: TreeClient,
  watch: TreeWatch,
  isSo: () => Promise<T | undefined>,
  signal?: AbortSignalLike,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const undo: (() => void)[] = [];
    let isDone = false;
    const done = (settle: () => void): void => {
      if (isDone) return;
      isDone = true;
      for (const one of undo) one();
      settle();
    };
    const fail = (error: Error): void => done(() => reject(error));
    const look = (): void => {
      isSo().then((found) => {
        if (found !== undefined) done(() => resolve(found));
      }, fail);
    };
    undo.push(tree.watch(watch, look, fail), tree.onEnd(fail));
    if (signal !== undefined) {
      const aborted = (): void => fail(abandoned(signal));
      if (signal.aborted) return aborted();
      signal.addEventListener('abort', aborted);
      undo.push(() => signal.removeEventListener('abort', aborted));
    }
    look();
  });
}
