/**
 * The kinds of harm. Each begins when it is called and returns how it is undone; undoing twice does nothing. What a single
 * broker cannot survive (a rotten bit with no other replica) is for replicated clusters.
 */
import type { Chance } from '../chance.ts';
import type { Network } from '../network/network.ts';
import { PARTITION_SHAPES, directionsCut } from '../network/partitions.ts';
import type { BrokerNode } from '../nodes/broker-node.ts';
import type { Trace } from '../trace.ts';
import type { Actor } from '../workload/client-host.ts';

export const FAULT_KINDS = [
  'kill',
  'powerCut',
  'powerCutAll',
  'stopInOrder',
  'pause',
  'partition',
  'oneWay',
  'flapping',
  'slowLink',
  'lossyLink',
  'reset',
  'slowDisk',
  'failedSync',
  'failedWrite',
  'fullDisk',
  'bitFlip',
  'emptyDisk',
  'wallClockJump',
  'clientKill',
  'clientPause',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface World {
  readonly chance: Chance;
  readonly trace: Trace;
  readonly network: Network;
  readonly nodes: readonly BrokerNode[];
  readonly clients: readonly Actor[];
  /** Others are sure to have all that it has. */
  readonly canLoseDisk: (nodeId: number) => boolean;
  /** Of every partition there is another broker that is in sync or eligible. */
  readonly othersHaveAll: (nodeId: number) => boolean;
  /** All machines, of brokers and of clients. */
  readonly machines: readonly string[];
  readonly pauseProcess: (client: Actor) => () => void;
}

/** The trap springs within a second or so. */
const TRAP_FLUSHES_MAX = 6;

/** Undefined: there was nothing to harm. */
export type Undo = (() => void) | undefined;

/** How long each lasts on the average, in ms; what is over at once has 0. */
export const MEAN_MS: Readonly<Record<FaultKind, number>> = {
  kill: 1_500,
  powerCut: 2_500,
  powerCutAll: 2_500,
  stopInOrder: 2_000,
  pause: 4_000,
  partition: 6_000,
  oneWay: 6_000,
  flapping: 1_000,
  slowLink: 6_000,
  lossyLink: 6_000,
  reset: 0,
  slowDisk: 5_000,
  failedSync: 4_000,
  failedWrite: 4_000,
  fullDisk: 4_000,
  bitFlip: 3_000,
  emptyDisk: 10_000,
  wallClockJump: 8_000,
  clientKill: 1_500,
  clientPause: 6_000,
};

export function inflict(kind: FaultKind, world: World): Undo {
  const { chance, network, nodes, trace } = world;
  const node = chance.pick(nodes);
  switch (kind) {
    case 'kill':
      if (node.state === 'down') return undefined;
      return strikeAtFlush(node, chance, () => node.kill());
    case 'powerCut':
      if (node.state === 'down' && node.failure === undefined) return undefined;
      return strikeAtFlush(node, chance, () => node.cutPower());
    case 'powerCutAll': {
      const undo = strikeAtFlush(node, chance, () => nodes.forEach((each) => each.cutPower()));
      return () => {
        undo?.();
        for (const each of nodes) each.start();
      };
    }
    case 'stopInOrder':
      if (!node.isUp) return undefined;
      node.stop();
      return () => {
        // A stop that takes too long ends as operators end it.
        if (node.state === 'stopping') node.kill();
        node.start();
      };
    case 'pause':
      if (node.process === undefined) return undefined;
      node.pause();
      return () => node.resume();
    case 'partition':
    case 'oneWay':
    case 'flapping':
      return cutSome(kind, world);
    case 'slowLink':
    case 'lossyLink':
      return spoilLink(kind, world);
    case 'reset': {
      const other = chance.pick(world.machines);
      trace.milestone('network', `resets what is between ${node.machine} and ${other}`);
      network.reset(node.machine, other);
      return () => {};
    }
    case 'slowDisk':
      if (node.disk.slowness !== 1) return undefined;
      node.disk.slowness = chance.between(5, 300);
      trace.milestone(
        node.machine,
        `has a disk that is ${Math.round(node.disk.slowness)} times slower`,
      );
      return () => void (node.disk.slowness = 1);
    case 'failedSync':
    case 'failedWrite':
      return failDisk(kind, node, world);
    case 'fullDisk':
      trace.milestone(node.machine, 'has a full disk');
      node.disk.fill(chance.below(3_000));
      return () => {
        node.disk.empty();
        restartIfIll(node, world);
      };
    case 'bitFlip': {
      // One disk of a history is bad, and what the others have mends it. The ensemble's own log is not mended yet.
      if (nodes.length < 3 || nodes.some((it) => it !== node && isBad(it))) return undefined;
      if (node.process === undefined || !world.othersHaveAll(node.nodeId)) return undefined;
      node.kill();
      const where = node.disk.rot(
        (name) => /^.+-\d+\/\d+\.log$/.test(name) && !name.startsWith('__cluster_metadata-'),
      );
      if (where !== undefined) trace.milestone(node.machine, `has a rotten bit in ${where}`);
      return () => node.start();
    }
    case 'emptyDisk':
      // One in a history: before the others have voted it in again a second one would be a majority.
      if (nodes.length < 3 || nodes.some(isBad)) return undefined;
      node.cutPower();
      return () => {
        // Not while it is relied upon: others might leave in order, and leave everything to a broker whose end is not known yet.
        // And not when another one went bad meanwhile.
        if (node.state === 'down' && world.canLoseDisk(node.nodeId) && !nodes.some(isBad)) {
          node.disk.renew();
          trace.milestone(node.machine, 'has an empty disk');
        }
        node.start();
      };
    case 'wallClockJump': {
      const { time } = node;
      const byMs = Math.round(chance.between(-20_000, 20_000));
      trace.milestone(node.machine, `has a wall clock that jumps by ${byMs} ms`);
      time.wallOffsetMs += byMs;
      return () => void (time.wallOffsetMs -= byMs);
    }
    case 'clientKill': {
      const client = chance.pick(world.clients);
      if (client.process === undefined) return undefined;
      trace.milestone(client.process.name, 'is killed');
      client.kill();
      return () => {
        if (client.process === undefined) client.start();
      };
    }
    case 'clientPause': {
      const client = chance.pick(world.clients);
      return client.process === undefined || client.process.isPaused
        ? undefined
        : world.pauseProcess(client);
    }
  }
}

const isBad = ({ disk }: BrokerNode): boolean => disk.isRenewed || disk.isRotten;

/** Half of the time at once, else when it hurts: in the midst of a flush. */
function strikeAtFlush(node: BrokerNode, chance: Chance, strike: () => void): Undo {
  if (chance.happens(0.5)) node.disk.setTrap(1 + chance.below(TRAP_FLUSHES_MAX), strike);
  else strike();
  return () => {
    node.disk.clearTrap();
    node.start();
  };
}

function cutSome(kind: 'partition' | 'oneWay' | 'flapping', world: World): Undo {
  const { chance, network, trace, nodes, machines } = world;
  // Half of them between the brokers alone, when there are others; clients feel the rest.
  const among = nodes.length > 2 && chance.happens(0.5) ? nodes.map((it) => it.machine) : machines;
  const shape =
    kind === 'oneWay' ? chance.pick(['deaf', 'mute'] as const) : chance.pick(PARTITION_SHAPES);
  const directions = directionsCut(shape, among, chance);
  if (directions.length === 0) return undefined;
  trace.milestone(
    'network',
    `cut (${kind}, ${shape}): ${directions
      .slice(0, 6)
      .map(([from, to]) => `${from}→${to}`)
      .join(' ')}${directions.length > 6 ? ' …' : ''}`,
  );
  const heal = network.cut(directions);
  return once(() => {
    trace.milestone('network', `heals (${shape})`);
    heal();
  });
}

function spoilLink(kind: 'slowLink' | 'lossyLink', world: World): Undo {
  const { chance, network, trace, machines } = world;
  const from = chance.pick(machines);
  const to = chance.pick(machines);
  if (from === to) return undefined;
  const link = network.link(from, to);
  if (link.lossRate > 0 || link.jitterMs > 10) return undefined;
  const { latencyMs, jitterMs } = link;
  trace.milestone('network', `${from}→${to} is ${kind === 'slowLink' ? 'slow' : 'lossy'}`);
  if (kind === 'slowLink') {
    link.latencyMs = chance.between(20, 400);
    link.jitterMs = chance.between(20, 400);
  } else link.lossRate = chance.between(0.05, 0.4);
  return () => {
    link.latencyMs = latencyMs;
    link.jitterMs = jitterMs;
    link.lossRate = 0;
  };
}

function failDisk(kind: 'failedSync' | 'failedWrite', node: BrokerNode, world: World): Undo {
  const { chance, trace } = world;
  const operation = kind === 'failedSync' ? 'sync' : 'append';
  const afterCount = chance.below(3);
  trace.milestone(node.machine, `will have a failed ${operation} after ${afterCount} more`);
  node.disk.memory.failNext(operation, 'failed', afterCount);
  return () => restartIfIll(node, world);
}

/** As an operator does who sees a partition offline: the program is ended and started on what the disk has. */
export function restartIfIll(node: BrokerNode, { trace }: Pick<World, 'trace'>): void {
  if (node.isUp && node.problems().length > 0) {
    trace.milestone(node.machine, `is restarted: ${node.problems().join('; ')}`);
    node.kill();
  }
  if (node.state === 'down') node.start();
}

export const once = (undo: () => void): (() => void) => {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    undo();
  };
};
