/**
 * The tree as the recipes see it: beside a member, or at the other end of a connection. All that they need of it is order.
 * Answers come when a change is committed; reads and watches see the tree as it once was, going forward only; `sync` brings
 * them up to the present.
 *
 * The session is the client's: who implements this keeps it alive, and says that it has ended no later than the timeout after
 * the last heartbeat that was answered, by its own clock. Then nobody else can have what an ephemeral node stood for while
 * this client still believes to have it, as far as clocks run alike; what must not depend on that carries the fence.
 */
import type { AbortSignalLike } from '@odradek/ports';
import type { Offset } from '@odradek/protocol';
import { QuorumError } from '../errors.ts';
import type { SessionId, TreeNode } from '../tree/node.ts';
import type { OpResult, TreeError, TreeOp } from '../tree/operation.ts';
import { parentOf, ROOT } from '../tree/path.ts';
import type { Watch } from '../tree/watch.ts';

export type TreeAnswer =
  | { readonly status: 'committed'; readonly offset: Offset; readonly results: readonly OpResult[] }
  | { readonly status: 'refused'; readonly error: TreeError };

export interface TreeClient {
  readonly sessionId: SessionId;
  get(path: string): Promise<TreeNode | undefined>;
  /** Sorted names; undefined without such a node. */
  children(path: string): Promise<readonly string[] | undefined>;
  /** In the client's session. Rejects where it is not known whether it was done. */
  propose(ops: readonly TreeOp[]): Promise<TreeAnswer>;
  /** What is read from now on is no older than this call. */
  sync(): Promise<unknown>;
  /** Called after each change that concerns the watch, once the reads see it. */
  watch(watch: Watch, changed: () => void): () => void;
  /** Called once; at once if it is over already. */
  onSessionEnd(ended: () => void): () => void;
}

/** An operation of a recipe that the tree refuses. */
export class TreeRefusal extends Error {
  override readonly name = 'TreeRefusal';
  readonly error: TreeError;
  constructor(error: TreeError) {
    super(error.message);
    this.error = error;
  }
}

/** The results; throws TreeRefusal. */
export async function committed(
  client: TreeClient,
  ops: readonly TreeOp[],
): Promise<readonly OpResult[]> {
  const answer = await client.propose(ops);
  if (answer.status === 'refused') throw new TreeRefusal(answer.error);
  return answer.results;
}

/** The node and all above it, where they are not there yet. */
export async function ensurePath(client: TreeClient, path: string): Promise<void> {
  if (path === ROOT || (await client.get(path)) !== undefined) return;
  await ensurePath(client, parentOf(path));
  const answer = await client.propose([{ op: 'create', path }]);
  if (answer.status === 'refused' && answer.error.code !== 'nodeExists')
    throw new TreeRefusal(answer.error);
}

/** Resolves when `isSo` does with something, looking again after each change; rejects when the session ends or the signal says so. */
export async function when<T>(
  client: TreeClient,
  watch: Watch,
  isSo: () => Promise<T | undefined>,
  signal?: AbortSignalLike,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const undo: (() => void)[] = [];
    let isDone = false;
    const done = (settle: () => void): void => {
      if (isDone) return;
      isDone = true;
      for (const one of undo) one();
      settle();
    };
    const look = (): void => {
      isSo().then(
        (found) => {
          if (found !== undefined) done(() => resolve(found));
        },
        (error: Error) => done(() => reject(error)),
      );
    };
    const aborted = (): void => done(() => reject(abortReason(signal!)));
    undo.push(client.watch(watch, look));
    undo.push(client.onSessionEnd(() => done(() => reject(sessionEnded(client.sessionId)))));
    if (signal !== undefined) {
      if (signal.aborted) return aborted();
      signal.addEventListener('abort', aborted);
      undo.push(() => signal.removeEventListener('abort', aborted));
    }
    look();
  });
}

export const sessionEnded = (id: SessionId): QuorumError =>
  new QuorumError('interrupted', `session ${id} has ended: open another, and begin again`);

const abortReason = ({ reason }: AbortSignalLike): Error =>
  reason instanceof Error ? reason : new QuorumError('interrupted', 'the wait was given up');
