/**
 * The tree in a Map, for the recipes' stories: it answers in order, tells its watches, ends sessions on command, and may keep silent
 * about a write, done or not.
 */
import { seededRandom } from '@odradek/ports/testing';
import { utf8Encode } from '@odradek/protocol';
import type { TreeClient } from '../coordination/recipes/tree-client.ts';
import { OutcomeUnknown, SessionLost, TreeRefused } from '../coordination/tree-errors.ts';
import { nameOf, parentOf, ROOT } from '../coordination/tree-path.ts';
import type { OpDone, TreeNode, TreeOp, TreeState, TreeWatch } from '../coordination/tree-types.ts';

const SEQUENCE_DIGITS = 10;
const ROOT_NODE: TreeNode = {
  value: utf8Encode(''),
  version: 0,
  childrenVersion: 0,
  childCount: 0,
  createdAt: 0,
  modifiedAt: 0,
  ephemeralOwner: null,
};

interface Watching {
  readonly watch: TreeWatch;
  readonly changed: () => void;
}

/** What becomes of the next write, other than usual. */
export type Mishap =
  /** Done, and nobody says so. */
  | 'unanswered'
  /** Not done, and nobody says so. */
  | 'lost'
  /** Done, when nobody waits for it any more: by `deliverLate`. */
  | 'late';

export class FakeTree {
  readonly #nodes = new Map<string, TreeNode>([[ROOT, ROOT_NODE]]);
  readonly #watching = new Set<Watching>();
  readonly #open = new Map<number, Set<(error: Error) => void>>();
  readonly #random = seededRandom(1);
  #offset = 0;
  #mishaps: Mishap[] = [];
  #late: (() => void)[] = [];

  /** Of the next writes, one after the other. */
  mishap(...mishaps: readonly Mishap[]): void {
    this.#mishaps.push(...mishaps);
  }

  deliverLate(): void {
    for (const write of this.#late.splice(0)) write();
  }

  get(path: string): TreeNode | undefined {
    return this.#nodes.get(path);
  }

  children(path: string): readonly string[] | undefined {
    if (!this.#nodes.has(path)) return undefined;
    return [...this.#nodes.keys()]
      .filter((it) => it !== ROOT && parentOf(it) === path)
      .map(nameOf)
      .sort();
  }

  /** From one state of it. */
  getAll(paths: readonly string[]): Promise<TreeState> {
    const nodes = new Map(
      paths.flatMap((path) => {
        const node = this.get(path);
        return node === undefined ? [] : [[path, node] as const];
      }),
    );
    return Promise.resolve({ offset: this.#offset + 1, nodes });
  }

  /** In a session of its own. */
  client(): TreeClient {
    const id = (this.#offset += 1);
    const endings = new Set<(error: Error) => void>();
    this.#open.set(id, endings);
    const isAlive = (): boolean => this.#open.has(id);
    return {
      sessionId: id,
      get isAlive() {
        return isAlive();
      },
      get: (path) => Promise.resolve(this.get(path)),
      children: (path) => Promise.resolve(this.children(path)),
      sync: () => Promise.resolve(),
      write: async (ops) => ({ offset: this.#offset, results: await this.#answer(ops, id) }),
      watch: (watch, changed) => {
        const one = { watch, changed };
        this.#watching.add(one);
        return () => this.#watching.delete(one);
      },
      onEnd(ended) {
        endings.add(ended);
        return () => endings.delete(ended);
      },
      uniqueName: () => this.#random.uint32().toString(16),
    };
  }

  /** Its ephemeral nodes go with it. */
  endSession(id: number): void {
    const endings = this.#open.get(id) ?? [];
    this.#open.delete(id);
    for (const [path, { ephemeralOwner }] of [...this.#nodes])
      if (ephemeralOwner === id) this.#remove(path);
    for (const ended of [...endings]) ended(new SessionLost(`session ${id} has ended`));
  }

  async #answer(ops: readonly TreeOp[], session: number): Promise<readonly OpDone[]> {
    const mishap = this.#mishaps.shift();
    const unknown = new OutcomeUnknown({ cause: new Error(mishap) });
    if (mishap === 'late') {
      this.#late.push(() => this.#apply(ops, session));
      throw unknown;
    }
    if (mishap === 'lost') throw unknown;
    const results = this.#apply(ops, session);
    if (mishap === 'unanswered') throw unknown;
    return results;
  }

  #apply(ops: readonly TreeOp[], session: number): readonly OpDone[] {
    if (!this.#open.has(session)) throw new TreeRefused('sessionExpired', 'the session has ended');
    return ops.map((op) => this.#one(op, session));
  }

  #one(op: TreeOp, session: number): OpDone {
    this.#offset += 1;
    if (op.op === 'create') return this.#create(op, session);
    const node = this.#nodes.get(op.path);
    if (node === undefined) throw new TreeRefused('noNode', `${op.path} is not there`);
    if (op.expectedVersion !== undefined && op.expectedVersion !== node.version)
      throw new TreeRefused('badVersion', `${op.path} is in version ${node.version}`);
    if (op.op === 'delete') this.#remove(op.path);
    else if (op.op === 'set')
      this.#put(op.path, {
        ...node,
        value: bytesOf(op.value),
        version: node.version + 1,
        modifiedAt: this.#offset,
      });
    return { path: op.path, stat: this.#nodes.get(op.path) };
  }

  #create(op: TreeOp & { op: 'create' }, session: number): OpDone {
    const parent = this.#nodes.get(parentOf(op.path));
    if (parent === undefined) throw new TreeRefused('noParent', `${op.path} has no parent`);
    const digits = String(parent.childrenVersion).padStart(SEQUENCE_DIGITS, '0');
    const path = op.sequential === true ? op.path + digits : op.path;
    if (this.#nodes.has(path)) throw new TreeRefused('nodeExists', `${path} is there`);
    this.#count(path, 1);
    this.#put(path, {
      ...ROOT_NODE,
      value: bytesOf(op.value ?? ''),
      createdAt: this.#offset,
      modifiedAt: this.#offset,
      ephemeralOwner: op.ephemeral === true ? session : null,
    });
    return { path, stat: this.#nodes.get(path) };
  }

  #remove(path: string): void {
    this.#nodes.delete(path);
    this.#count(path, -1);
    this.#tell(path);
  }

  #put(path: string, node: TreeNode): void {
    this.#nodes.set(path, node);
    this.#tell(path);
  }

  #count(path: string, difference: 1 | -1): void {
    const parent = this.#nodes.get(parentOf(path))!;
    const childrenVersion = parent.childrenVersion + 1;
    const childCount = parent.childCount + difference;
    this.#nodes.set(parentOf(path), { ...parent, childrenVersion, childCount });
  }

  #tell(path: string): void {
    for (const { watch, changed } of [...this.#watching]) {
      const isChild = path !== ROOT && parentOf(path) === watch.path;
      const isBelow = watch.path === ROOT || path.startsWith(`${watch.path}/`);
      const scoped =
        watch.scope === 'node' ? false : watch.scope === 'children' ? isChild : isBelow;
      if (path === watch.path || scoped) void Promise.resolve().then(changed);
    }
  }
}

const bytesOf = (value: Uint8Array | string): Uint8Array =>
  typeof value === 'string' ? utf8Encode(value) : value;
