/** What a client of the workload stands on: a process on a machine of its own, as any other. */
import { Cluster, type ClientHost } from '@odradek/client';
import { crc32cJs } from '@odradek/protocol';
import type { Endpoint } from '@odradek/ports';
import { Chance } from '../chance.ts';
import type { Network } from '../network/network.ts';
import { noCompression } from '../nodes/broker-node.ts';
import type { Process } from '../time/process.ts';
import type { Scheduler } from '../time/scheduler.ts';
import { TRUE_TIME, VirtualClock } from '../time/virtual-clock.ts';

/** Where clients run, and whom they ask. */
export interface ClientWorld {
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly bootstrap: readonly Endpoint[];
  readonly requestTimeoutMs: number;
}

export interface ClientRun {
  readonly process: Process;
  readonly cluster: Cluster;
  readonly chance: Chance;
}

export function startClient(world: ClientWorld, machine: string, name: string): ClientRun {
  const { scheduler, network, seed, bootstrap, requestTimeoutMs } = world;
  const process = scheduler.startProcess(name, machine);
  const chance = new Chance(seed, name);
  const host: ClientHost = {
    dial: network.dialFrom(process),
    clock: new VirtualClock(scheduler, process, TRUE_TIME),
    random: new Chance(seed, `client ${name}`),
    compression: noCompression,
    crc32c: crc32cJs,
  };
  return {
    process,
    chance,
    cluster: new Cluster(host, { bootstrap, clientId: name, requestTimeoutMs }),
  };
}

/** A client that can be killed, and begins again as another process. */
export interface Actor {
  readonly machine: string;
  readonly process: Process | undefined;
  start(): void;
  kill(): void;
}

export const wordsOfError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
