/**
 * The cluster's coordination tree for applications: nodes that are read, written and watched, a session that ephemeral nodes are bound to,
 * and the recipes over them. It is ZooKeeper's data model in the place where the cluster keeps its own state, asked over the same
 * connections as everything else.
 *
 *   await using tree = await bus.coordination();
 *   await using lock = await tree.lock('/jobs/nightly');
 *   await run({ fence: lock.fence });
 *
 * What is read once is never seen undone, at whatever broker it is read next. `fresh` reads are no older than the call.
 */
import type { AbortSignalLike } from '@odradek/ports';
import type { Cluster } from '../cluster.ts';
import { ClientClosed } from '../errors.ts';
import { iterate, latest, looking } from './latest.ts';
import { addToCounter, readCounter } from './recipes/counter.ts';
import {
  leaderOf,
  standForElection,
  type ElectedLeader,
  type ElectionOptions,
} from './recipes/leader-election.ts';
import { acquireLock, type HeldLock, type LockOptions } from './recipes/lock.ts';
import {
  joinGroup,
  membersOf,
  type JoinOptions,
  type JoinedGroup,
  type Member,
} from './recipes/membership.ts';
import type { TreeClient, TreeWriter } from './recipes/tree-client.ts';
import { Session } from './session.ts';
import type { LiveSession, SessionOptions, SessionSnapshot } from './session.ts';
import { SessionLost } from './tree-errors.ts';
import { TreeWire } from './tree-wire.ts';
import type { ReadOptions } from './tree-wire.ts';
import type {
  TreeChange,
  TreeNode,
  TreeOp,
  TreeStat,
  TreeState,
  TreeWatch,
  Written,
} from './tree-types.ts';
import { Watcher } from './watcher.ts';

export type CoordinationOptions = SessionOptions;

export interface WaitingOptions {
  readonly signal?: AbortSignalLike;
}

export interface CreateOptions extends WaitingOptions {
  readonly value?: Uint8Array | string;
  /** It goes when the session ends, which is opened if there is none. */
  readonly ephemeral?: boolean;
  /** Ten digits are put behind the path, larger from node to node. */
  readonly sequential?: boolean;
}

export interface VersionOptions extends WaitingOptions {
  /** Only where the node is in this version. */
  readonly expectedVersion?: number;
}

export interface WatchOptions extends WaitingOptions {
  readonly scope?: TreeWatch['scope'];
}

export interface Counter {
  /** The sum. Rejects with OutcomeUnknown where it is not known whether it was added. */
  add(by?: number): Promise<number>;
  read(options?: ReadOptions): Promise<number>;
}

/** Changes that wait for a slow reader of a watch; then they become one of an unknown kind. */
const WAITING_CHANGES_MAX = 1_000;
const NAME_BYTES = 8;

export class Coordination implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #wire: TreeWire;
  readonly #watcher: Watcher;
  readonly #session: Session;
  readonly #closed: (() => void)[] = [];
  #closing: Promise<void> | undefined;

  constructor(cluster: Cluster, options: CoordinationOptions = {}) {
    this.#cluster = cluster;
    this.#wire = new TreeWire(cluster);
    this.#watcher = new Watcher(cluster.host, this.#wire);
    this.#session = new Session(cluster, options);
  }

  /** Of the session; the same object until something changes. */
  readonly getSnapshot = (): SessionSnapshot => this.#session.getSnapshot();

  readonly subscribe = (listener: (snapshot: SessionSnapshot) => void): (() => void) =>
    this.#session.subscribe(listener);

  /** Opens the session now. Without this it is opened when something is first to be bound to it. */
  async connect({ signal }: WaitingOptions = {}): Promise<SessionSnapshot> {
    await this.#session.wanted(signal);
    return this.getSnapshot();
  }

  // Nodes.

  get(path: string, options?: ReadOptions): Promise<TreeNode | undefined> {
    return this.#wire.get(path, options);
  }

  /** Several nodes from one and the same state of the tree. */
  getAll(paths: readonly string[], options?: ReadOptions): Promise<TreeState> {
    return this.#wire.getAll(paths, options);
  }

  async exists(path: string, options?: ReadOptions): Promise<boolean> {
    return (await this.#wire.stat(path, options)) !== undefined;
  }

  /** Without the value. */
  stat(path: string, options?: ReadOptions): Promise<TreeStat | undefined> {
    return this.#wire.stat(path, options);
  }

  /** Sorted names; undefined without such a node. */
  children(path: string, options?: ReadOptions): Promise<readonly string[] | undefined> {
    return this.#wire.children(path, options);
  }

  /** The path as it was made: a sequential node's with its digits. */
  async create(
    path: string,
    { value = '', ephemeral = false, sequential = false, signal }: CreateOptions = {},
  ): Promise<{ readonly path: string; readonly stat: TreeStat }> {
    const { results } = await this.multi(
      [{ op: 'create', path, value, ephemeral, sequential }],
      signal && { signal },
    );
    const [made] = results;
    return { path: made!.path, stat: made!.stat! };
  }

  async set(
    path: string,
    value: Uint8Array | string,
    { expectedVersion, signal }: VersionOptions = {},
  ): Promise<TreeStat> {
    const expected = expectedVersion === undefined ? {} : { expectedVersion };
    const { results } = await this.multi(
      [{ op: 'set', path, value, ...expected }],
      signal && { signal },
    );
    return results[0]!.stat!;
  }

  /** One without children. */
  async delete(path: string, { expectedVersion, signal }: VersionOptions = {}): Promise<void> {
    const expected = expectedVersion === undefined ? {} : { expectedVersion };
    await this.multi([{ op: 'delete', path, ...expected }], signal && { signal });
  }

  /**
   * All operations or none, in one step. Rejects with TreeRefused where one of them cannot be, and with OutcomeUnknown where nobody
   * says what became of them.
   */
  async multi(ops: readonly TreeOp[], { signal }: WaitingOptions = {}): Promise<Written> {
    this.#throwIfClosed();
    const isBound = ops.some((it) => it.op === 'create' && it.ephemeral === true);
    const sessionId = isBound ? (await this.#session.wanted(signal)).id : undefined;
    return this.#wire.write(ops, sessionId, signal);
  }

  /** What is read from now on is no older than this call. */
  sync({ signal }: WaitingOptions = {}): Promise<void> {
    return this.#wire.sync(signal);
  }

  // Watches.

  /**
   * Each change from now on, in order. Whoever wants to know of all that comes behind a read begins to iterate first and reads then.
   */
  watch(path: string, { scope = 'node', signal }: WatchOptions = {}): AsyncIterable<TreeChange> {
    return iterate<TreeChange>(
      ({ next, fail }) => this.#follow({ path, scope }, next, fail),
      (waiting, change) =>
        waiting.length < WAITING_CHANGES_MAX
          ? [...waiting, change]
          : [{ kind: 'unknown', path, offset: change.offset }],
      signal,
    );
  }

  /** The node as it is, and again whenever it is another; undefined while there is none. Who is slow misses what was so in between. */
  observe(path: string, { signal }: WaitingOptions = {}): AsyncIterable<TreeNode | undefined> {
    return this.#latest(() => this.get(path), { path, scope: 'node' }, signal);
  }

  // Recipes.

  /** Waits for its turn. Rejects with SessionLost when the session ends before. */
  async lock(path: string, options: LockOptions = {}): Promise<HeldLock> {
    return acquireLock(await this.#client(options.signal), path, options);
  }

  /** Resolves when this candidate leads. */
  async elect(path: string, options: ElectionOptions): Promise<HeldLock> {
    return standForElection(await this.#client(options.signal), path, options);
  }

  /** Who leads, if anybody does. */
  leader(path: string): Promise<ElectedLeader | undefined> {
    return leaderOf(this.#tree(), path);
  }

  /** Who leads now, and each time that it is another. */
  leaders(path: string, { signal }: WaitingOptions = {}): AsyncIterable<ElectedLeader | undefined> {
    const changes = this.#latest(() => this.leader(path), { path, scope: 'subtree' }, signal);
    return distinct(changes, (it) => it?.fence);
  }

  /** Rejects with TreeRefused 'nodeExists' where somebody has the name. */
  async join(path: string, options: JoinOptions & WaitingOptions): Promise<JoinedGroup> {
    return joinGroup(await this.#client(options.signal), path, options);
  }

  /** Who is here now, and each time that somebody comes, goes or tells something else. */
  members(path: string, { signal }: WaitingOptions = {}): AsyncIterable<readonly Member[]> {
    const look = () =>
      membersOf(
        {
          children: (at) => this.#wire.children(at),
          getAll: (paths) => this.#wire.getAll(paths),
        },
        path,
      );
    return this.#latest(look, { path, scope: 'subtree' }, signal);
  }

  /** A number that many add to. */
  counter(path: string): Counter {
    return {
      add: (by = 1) => addToCounter(this.#tree(), path, by),
      read: (options) => readCounter({ get: (at) => this.get(at, options) }, path),
    };
  }

  /** Ends the session, and with it all that is bound to it. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#watcher.close();
    for (const tell of this.#closed.splice(0)) tell();
    await this.#session.close();
    this.#wire.close();
  }

  #throwIfClosed(): void {
    if (this.#closing !== undefined) throw new ClientClosed('the coordination was closed');
  }

  async #client(signal?: AbortSignalLike): Promise<TreeClient> {
    this.#throwIfClosed();
    return this.#boundTo(await this.#session.wanted(signal));
  }

  #tree(): TreeWriter {
    return {
      get: (path) => this.#wire.get(path),
      children: (path) => this.#wire.children(path),
      sync: () => this.#wire.sync(),
      write: (ops) => this.#wire.write(ops),
      watch: (watch, changed, failed) => this.#follow(watch, changed, failed),
    };
  }

  #boundTo(session: LiveSession): TreeClient {
    const { random } = this.#cluster.host;
    return {
      ...this.#tree(),
      sessionId: session.id,
      get isAlive() {
        return session.isAlive;
      },
      onEnd: (ended) => session.onEnd(ended),
      write: async (ops) => {
        if (!session.isAlive) throw new SessionLost(`session ${session.id} has ended`);
        return this.#wire.write(ops, session.id);
      },
      uniqueName: () =>
        [...random.bytes(NAME_BYTES)].map((it) => it.toString(16).padStart(2, '0')).join(''),
    };
  }

  #follow(
    watch: TreeWatch,
    changed: (change: TreeChange) => void,
    failed: (error: Error) => void,
  ): () => void {
    if (this.#closing !== undefined) {
      failed(new ClientClosed('the coordination was closed'));
      return () => {};
    }
    const end = (): void => failed(new ClientClosed('the coordination was closed'));
    this.#closed.push(end);
    const unwatch = this.#watcher.add(watch, { changed, failed });
    return () => {
      unwatch();
      const at = this.#closed.indexOf(end);
      if (at >= 0) this.#closed.splice(at, 1);
    };
  }

  #latest<T>(
    look: () => Promise<T>,
    watch: TreeWatch,
    signal: AbortSignalLike | undefined,
  ): AsyncIterable<T> {
    return iterate<T>(
      (source) => looking(look, (changed, failed) => this.#follow(watch, changed, failed), source),
      latest,
      signal,
    );
  }
}

async function* distinct<T>(
  values: AsyncIterable<T>,
  keyOf: (value: T) => unknown,
): AsyncGenerator<T, void, undefined> {
  let last: { readonly key: unknown } | undefined;
  for await (const value of values) {
    const key = keyOf(value);
    if (last !== undefined && last.key === key) continue;
    last = { key };
    yield value;
  }
}
