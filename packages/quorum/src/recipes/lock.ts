/**
 * A lock, by ZooKeeper's recipe: whoever wants it queues up with an ephemeral, sequential node, and each waits for the one
 * before it alone, so that a release wakes one and not all. Who is first, has it, until it gives it back or its session ends.
 *
 * The fence is the offset of the holder's node, and grows from holder to holder. A resource that refuses smaller ones than
 * it has seen is safe even from a holder that slept through the end of its session.
 */
import type { AbortSignalLike } from '@odradek/ports';
import { utf8Encode, type Offset } from '@odradek/protocol';
import { childPath, nameOf } from '../tree/path.ts';
import { committed, ensurePath, TreeRefusal, when, type TreeClient } from './tree-client.ts';

export interface HeldLock {
  readonly path: string;
  readonly fence: Offset;
  /** Idempotent. Rejects where it is not known whether it was given back; the end of the session gives it back in any case. */
  release(): Promise<void>;
  /** Resolves when it is no longer held, by release, by the session's end or by somebody's hand. */
  readonly lost: Promise<void>;
}

export interface LockOptions {
  /** Told to whoever looks at the queue. */
  readonly value?: Uint8Array;
  readonly signal?: AbortSignalLike;
}

const TICKET = 'ticket-';
const NO_VALUE = utf8Encode('');

/** Waits for its turn. Rejects when the session ends, or the signal says so; then its place in the queue is given up. */
export async function acquireLock(
  client: TreeClient,
  path: string,
  { value = NO_VALUE, signal }: LockOptions = {},
): Promise<HeldLock> {
  await ensurePath(client, path);
  const ticket = await takeTicket(client, path, value);
  try {
    for (;;) {
      await client.sync();
      const names = await ticketsOf(client, path);
      const place = names.indexOf(nameOf(ticket));
      if (place < 0) throw gone(ticket);
      if (place === 0) return await holdingOf(client, path, ticket);
      const before = childPath(path, names[place - 1]!);
      const isGone = async () => ((await client.get(before)) === undefined ? true : undefined);
      await when(client, { path: before, scope: 'node' }, isGone, signal);
    }
  } catch (error) {
    await giveBack(client, ticket).catch(() => {});
    throw error;
  }
}

/** In the order in which they get it. */
export async function ticketsOf(client: TreeClient, path: string): Promise<readonly string[]> {
  const names = (await client.children(path)) ?? [];
  return names.filter((name) => name.startsWith(TICKET));
}

/** An outcome that is not known leaves a ticket behind, or none: it is looked for before another is taken. */
async function takeTicket(client: TreeClient, path: string, value: Uint8Array): Promise<string> {
  const before = new Set(await ownTickets(client, path));
  try {
    const [result] = await committed(client, [
      { op: 'create', path: childPath(path, TICKET), value, ephemeral: true, sequential: true },
    ]);
    return result!.op === 'create' ? result!.path : '';
  } catch (error) {
    if (error instanceof TreeRefusal) throw error;
    await client.sync();
    const [left] = (await ownTickets(client, path)).filter((it) => !before.has(it));
    if (left === undefined) throw error;
    return left;
  }
}

async function ownTickets(client: TreeClient, path: string): Promise<string[]> {
  const own: string[] = [];
  for (const name of await ticketsOf(client, path)) {
    const ticket = childPath(path, name);
    if ((await client.get(ticket))?.ephemeralOwner === client.sessionId) own.push(ticket);
  }
  return own;
}

async function holdingOf(client: TreeClient, path: string, ticket: string): Promise<HeldLock> {
  const node = await client.get(ticket);
  if (node === undefined) throw gone(ticket);
  const isGone = async () => ((await client.get(ticket)) === undefined ? true : undefined);
  const lost = when(client, { path: ticket, scope: 'node' }, isGone).then(
    () => {},
    () => {},
  );
  let releasing: Promise<void> | undefined;
  return {
    path,
    fence: node.createdAt,
    lost,
    release: () => (releasing ??= giveBack(client, ticket)),
  };
}

async function giveBack(client: TreeClient, ticket: string): Promise<void> {
  const answer = await client.propose([{ op: 'delete', path: ticket }]);
  if (answer.status === 'committed') return;
  if (answer.error.code !== 'noNode' && answer.error.code !== 'sessionExpired')
    throw new TreeRefusal(answer.error);
}

const gone = (ticket: string): TreeRefusal =>
  new TreeRefusal({ code: 'noNode', message: `${ticket} was taken away`, opIndex: 0 });
