/**
 * A lock, by ZooKeeper's recipe: whoever wants it queues up with an ephemeral, sequential node, and each waits for the one before it alone,
 * so that a release wakes one and not all. Who is first, has it, until it gives it back or its session ends.
 *
 * The fence is the place of the holder's node in the order of all changes, and grows from holder to holder. A resource that refuses
 * smaller ones than it has seen is safe even from a holder that slept through the end of its session.
 *
 * A ticket carries a name that nobody else has: where the outcome of taking one is not known, it is found again, and one that comes
 * to be later than anybody waited for it is taken away when it appears.
 */
import type { AbortSignalLike } from '@odradek/ports';
import { throwIfAborted } from '../../retry.ts';
import { OutcomeUnknown, TreeRefused } from '../tree-errors.ts';
import { childPath, nameOf } from '../tree-path.ts';
import {
  ATTEMPTS_MAX,
  ensurePath,
  removeOwn,
  when,
  type TreeClient,
  type TreeReader,
} from './tree-client.ts';

export interface HeldLock extends AsyncDisposable {
  readonly path: string;
  /** Grows from holder to holder. */
  readonly fence: number;
  /** At this very moment, as far as this host's clock and the cluster's run alike. What must not depend on that carries the fence. */
  readonly isHeld: boolean;
  /** Resolves when it is no longer held, by release, by the session's end or by somebody's hand. */
  readonly lost: Promise<void>;
  /** Idempotent. Rejects where it is not known whether it was given back; the end of the session gives it back in any case. */
  release(): Promise<void>;
}

export interface LockOptions {
  /** Told to whoever looks at the queue. */
  readonly value?: Uint8Array | string;
  readonly signal?: AbortSignalLike;
}

const TICKET = 'ticket-';
/** Of a sequential node. */
const DIGITS = 10;

/** Waits for its turn. Rejects when the session ends, or the signal says so; then its place in the queue is given up. */
export async function acquireLock(
  tree: TreeClient,
  path: string,
  { value = '', signal }: LockOptions = {},
): Promise<HeldLock> {
  throwIfAborted(signal);
  const tickets = new Tickets(tree, path);
  try {
    const ticket = await tickets.take(value);
    for (;;) {
      const names = await ticketsOf(tree, path);
      const place = names.indexOf(nameOf(ticket));
      if (place < 0) throw gone(ticket);
      if (place === 0) return await holdingOf(tree, path, ticket, tickets);
      const before = childPath(path, names[place - 1]!);
      const isGone = async () => ((await tree.get(before)) === undefined ? true : undefined);
      await when(tree, { path: before, scope: 'node' }, isGone, signal);
    }
  } catch (error) {
    await tickets.giveBack().catch(() => {});
    throw error;
  }
}

/** In the order in which they get it. */
export async function ticketsOf(
  tree: Pick<TreeReader, 'children'>,
  path: string,
): Promise<readonly string[]> {
  const names = ((await tree.children(path)) ?? []).filter((name) => name.startsWith(TICKET));
  return names.sort((a, b) => (a.slice(-DIGITS) < b.slice(-DIGITS) ? -1 : 1));
}

/** Those of one attempt to get the lock: one, but for what went wrong on the way. */
class Tickets {
  readonly #tree: TreeClient;
  readonly #path: string;
  readonly #prefix: string;
  #ticket: string | undefined;
  /** One may come to be yet that nobody waits for. */
  #isUncertain = false;
  #isGivenBack = false;

  constructor(tree: TreeClient, path: string) {
    this.#tree = tree;
    this.#path = path;
    this.#prefix = `${TICKET}${tree.uniqueName()}-`;
  }

  async take(value: Uint8Array | string): Promise<string> {
    await ensurePath(this.#tree, this.#path);
    const path = childPath(this.#path, this.#prefix);
    for (let attempt = 1; ; attempt++) {
      try {
        const { results } = await this.#tree.write([
          { op: 'create', path, value, ephemeral: true, sequential: true },
        ]);
        return (this.#ticket = results[0]!.path);
      } catch (error) {
        if (!(error instanceof OutcomeUnknown) || attempt === ATTEMPTS_MAX) throw error;
        this.#lookOut();
        await this.#tree.sync();
        const [found] = await this.#own();
        if (found !== undefined) return (this.#ticket = found);
      }
    }
  }

  async giveBack(): Promise<void> {
    this.#isGivenBack = true;
    const tickets = this.#isUncertain ? await this.#own() : [this.#ticket];
    for (const ticket of tickets) if (ticket !== undefined) await removeOwn(this.#tree, ticket);
  }

  async #own(): Promise<readonly string[]> {
    const names = await ticketsOf(this.#tree, this.#path);
    return names
      .filter((name) => name.startsWith(this.#prefix))
      .map((name) => childPath(this.#path, name));
  }

  /** For as long as the session lives, which is the longest that such a ticket may last. */
  #lookOut(): void {
    if (this.#isUncertain) return;
    this.#isUncertain = true;
    const clear = async (): Promise<void> => {
      for (const ticket of await this.#own())
        if (this.#isGivenBack || (this.#ticket !== undefined && ticket !== this.#ticket))
          await removeOwn(this.#tree, ticket);
    };
    const unwatch = this.#tree.watch(
      { path: this.#path, scope: 'children' },
      () => void clear().catch(() => {}),
      () => {},
    );
    this.#tree.onEnd(unwatch);
  }
}

async function holdingOf(
  tree: TreeClient,
  path: string,
  ticket: string,
  tickets: Tickets,
): Promise<HeldLock> {
  const node = await tree.get(ticket);
  if (node === undefined) throw gone(ticket);
  let isOver = false;
  const isGone = async () => ((await tree.get(ticket)) === undefined ? true : undefined);
  const end = (): void => {
    isOver = true;
  };
  const lost = when(tree, { path: ticket, scope: 'node' }, isGone).then(end, end);
  let releasing: Promise<void> | undefined;
  const release = (): Promise<void> => {
    end();
    return (releasing ??= tickets.giveBack());
  };
  return {
    path,
    fence: node.createdAt,
    get isHeld() {
      return !isOver && tree.isAlive;
    },
    lost,
    release,
    [Symbol.asyncDispose]: release,
  };
}

const gone = (ticket: string): TreeRefused => new TreeRefused('noNode', `${ticket} was taken away`);
