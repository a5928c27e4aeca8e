/**
 * The tree at the other end of a connection, whichever broker it leads to: requests in the tree's words, tried again where that does no
 * harm. It remembers how far the tree was seen, and nothing older is read later, wherever it is asked.
 */
import type { AbortSignalLike } from '@odradek/ports';
import {
  ErrorCode,
  TreeOpKind,
  TreeReadKind,
  TreeResult,
  utf8Encode,
  type ReadTreeResponse,
  type WatchTreeRequest,
  type WatchTreeResponse,
  type WriteTreeResponse,
} from '@odradek/protocol';
import type { Cluster } from '../cluster.ts';
import { BrokerError, isRetriable } from '../errors.ts';
import { abortable, withRetries } from '../retry.ts';
import { readTreeApi, watchTreeApi, writeTreeApi } from './coordination-api.ts';
import { Lane } from './lane.ts';
import type { Seat } from './lane.ts';
import { OutcomeUnknown, TreeRefused, treeErrorCode } from './tree-errors.ts';
import type { OpDone, TreeNode, TreeOp, TreeStat, TreeState, Written } from './tree-types.ts';

/** One attempt at one broker; then it is another's turn. */
const ATTEMPT_MS = 5_000;
/** How long a broker may let its tree come to where this client has seen it. */
const ARRIVAL_MS = 2_000;
/** What the way there and back may take, beyond what the broker waits on purpose. */
const WAY_MS = 3_000;

const EMPTY = new Uint8Array(0);

export interface ReadOptions {
  /** Nothing older than this call; otherwise what the broker has, which is never older than what was seen before. */
  readonly fresh?: boolean;
  readonly signal?: AbortSignalLike;
}

type Asked = { readonly kind: number; readonly path: string };
type Result = ReadTreeResponse['results'][number];

export class TreeWire {
  readonly #cluster: Cluster;
  readonly #asking: Lane;
  readonly #watching: Lane;
  #seenOffset = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#asking = new Lane(cluster, 'tree');
    this.#watching = new Lane(cluster, 'tree-watch');
  }

  /** The first offset of the tree's log that was not seen yet. */
  get seenOffset(): number {
    return this.#seenOffset;
  }

  async get(path: string, options: ReadOptions = {}): Promise<TreeNode | undefined> {
    return (await this.getAll([path], options)).nodes.get(path);
  }

  async stat(path: string, options: ReadOptions = {}): Promise<TreeStat | undefined> {
    const found = await this.#readOne({ kind: TreeReadKind.stat, path }, options);
    return found && statOf(found);
  }

  async children(path: string, options: ReadOptions = {}): Promise<readonly string[] | undefined> {
    const found = await this.#readOne({ kind: TreeReadKind.children, path }, options);
    return found && (found.children ?? []);
  }

  async getAll(paths: readonly string[], options: ReadOptions = {}): Promise<TreeState> {
    const nodes = new Map<string, TreeNode>();
    const asked = paths.map((path) => ({ kind: TreeReadKind.value, path }));
    const { treeOffset, results } = await this.#read(asked, options);
    for (const [index, result] of results.entries()) {
      if (isThere(paths[index]!, result))
        nodes.set(paths[index]!, { value: result.value ?? EMPTY, ...statOf(result) });
    }
    return { offset: treeOffset, nodes };
  }

  /** What is read from now on is no older than this call. */
  async sync(signal?: AbortSignalLike): Promise<void> {
    await this.#read([], { fresh: true, ...(signal && { signal }) });
  }

  /**
   * All of it or nothing. Rejects with TreeRefused where the tree says no, and with OutcomeUnknown where nobody says anything. The
   * signal ends the waiting, not what was sent.
   */
  async write(ops: readonly TreeOp[], sessionId = -1, signal?: AbortSignalLike): Promise<Written> {
    const { host, retry } = this.#cluster;
    const asked = ops.map(askedOp);
    const written = withRetries(
      host,
      retry,
      async () => {
        const seat = await this.#asking.connect(ATTEMPT_MS);
        const body = { sessionId, timeoutMs: ATTEMPT_MS, ops: asked };
        let answer: WriteTreeResponse;
        try {
          answer = await this.#asking.request(seat, writeTreeApi, body, ATTEMPT_MS + WAY_MS);
        } catch (cause) {
          throw isRetriable(cause) ? new OutcomeUnknown({ cause }) : cause;
        }
        return this.#written(seat, answer);
      },
      signal,
    );
    return abortable(written, signal);
  }

  /** Once, at whatever broker's turn it is. */
  async watch(
    fromOffset: number,
    watches: WatchTreeRequest['watches'],
    maxWaitMs: number,
  ): Promise<WatchTreeResponse> {
    const seat = await this.#watching.connect(ATTEMPT_MS);
    const body = { fromOffset, maxWaitMs, watches };
    const answer = await this.#watching.request(seat, watchTreeApi, body, maxWaitMs + WAY_MS);
    check(this.#watching, seat, 'WatchTree', answer);
    this.#see(answer.nextOffset);
    return answer;
  }

  close(): void {
    this.#asking.close();
    this.#watching.close();
  }

  async #readOne(asked: Asked, options: ReadOptions): Promise<Result | undefined> {
    const { results } = await this.#read([asked], options);
    return isThere(asked.path, results[0]!) ? results[0] : undefined;
  }

  #read(
    reads: readonly Asked[],
    { fresh = false, signal }: ReadOptions,
  ): Promise<ReadTreeResponse> {
    const { host, retry } = this.#cluster;
    const read = withRetries(
      host,
      retry,
      async () => {
        const seat = await this.#asking.connect(ATTEMPT_MS);
        const body = {
          minOffset: this.#seenOffset,
          isFresh: fresh,
          maxWaitMs: ARRIVAL_MS,
          reads,
        };
        const answer = await this.#asking.request(seat, readTreeApi, body, ARRIVAL_MS + WAY_MS);
        check(this.#asking, seat, 'ReadTree', answer);
        this.#see(answer.treeOffset);
        return answer;
      },
      signal,
    );
    return abortable(read, signal);
  }

  #written(seat: Seat, answer: WriteTreeResponse): Written {
    const { errorCode, errorMessage, result, failedOp, offset, results } = answer;
    if (errorCode === ErrorCode.REQUEST_TIMED_OUT) {
      this.#asking.passOn(seat.nodeId);
      const cause = new BrokerError(errorCode, { api: 'WriteTree', detail: errorMessage });
      throw new OutcomeUnknown({ cause });
    }
    check(this.#asking, seat, 'WriteTree', answer);
    if (result !== TreeResult.ok) {
      const code = treeErrorCode(result);
      throw new TreeRefused(code, errorMessage ?? code, failedOp);
    }
    this.#see(offset + 1);
    return { offset, results: results.map(doneOf) };
  }

  #see(offset: number): void {
    this.#seenOffset = Math.max(this.#seenOffset, offset);
  }
}

/** A broker that cannot speak for the tree now is left for another. */
export function check(
  lane: Lane,
  { nodeId }: Seat,
  api: string,
  { errorCode, errorMessage }: { readonly errorCode: number; readonly errorMessage: string | null },
): void {
  if (errorCode === ErrorCode.NONE) return lane.served();
  const error = new BrokerError(errorCode, { api, detail: errorMessage });
  if (error.retriable) lane.passOn(nodeId);
  throw error;
}

/** Throws TreeRefused for what cannot be read. */
function isThere(path: string, { result }: Result): boolean {
  if (result === TreeResult.ok || result === TreeResult.noNode) return result === TreeResult.ok;
  const code = treeErrorCode(result);
  throw new TreeRefused(code, `${path} cannot be read: ${code}`);
}

const bytesOf = (value: Uint8Array | string): Uint8Array =>
  typeof value === 'string' ? utf8Encode(value) : value;

function askedOp(op: TreeOp) {
  const kind = TreeOpKind[op.op];
  const { path } = op;
  if (op.op === 'create')
    return {
      kind,
      path,
      value: bytesOf(op.value ?? ''),
      isEphemeral: op.ephemeral ?? false,
      isSequential: op.sequential ?? false,
    };
  const expectedVersion = op.expectedVersion ?? -1;
  return op.op === 'set'
    ? { kind, path, value: bytesOf(op.value), expectedVersion }
    : { kind, path, expectedVersion };
}

const statOf = (found: Omit<Result, 'result' | 'value' | 'children'>): TreeStat => ({
  version: found.version,
  childrenVersion: found.childrenVersion,
  childCount: found.childCount,
  createdAt: found.createdAt,
  modifiedAt: found.modifiedAt,
  ephemeralOwner: found.ephemeralOwner < 0 ? null : found.ephemeralOwner,
});

const doneOf = (result: WriteTreeResponse['results'][number]): OpDone => ({
  path: result.path,
  stat: result.version < 0 ? undefined : statOf(result),
});
