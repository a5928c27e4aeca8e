/**
 * What goes on in one cluster: its topics, who produces and reads, and when all of it has come to its end.
 */
import type { Chance } from '../chance.ts';
import { GroupCheck } from '../checkers/group.ts';
import { TopicsCheck } from '../checkers/topics.ts';
import { TreeCheck } from '../checkers/tree.ts';
import type { History, PartitionHistory } from '../checkers/history.ts';
import { Administering } from './administering.ts';
import type { Actor, ClientWorld } from './client-host.ts';
import { Coordinating } from './coordinating.ts';
import { createTopics } from './create-topics.ts';
import { Grouping } from './grouping.ts';
import { lastLook } from './last-look.ts';
import { Producing } from './producing.ts';
import { rackOf } from './racks.ts';
import { Reading } from './reading.ts';

export interface ClusterWorkloadOptions {
  readonly name: string;
  readonly world: ClientWorld;
  readonly history: History;
  readonly chance: Chance;
  /** Their node ids. */
  readonly brokers: readonly number[];
  /** Clusters share the load that the simulation is for. */
  readonly clusters: number;
  /** How many times less it does than usual. */
  readonly calm: number;
  readonly takeNumber: () => number;
  /** How far the brokers of a cluster have committed. */
  readonly committed: (topic: string, partition: number) => number;
}

/** Bursts of all clusters together, one in so many ms. */
const BURST_INTERVAL_MS = 300;
/** Acts on topics of all clusters together. */
const ADMIN_INTERVAL_MS = 6_000;
/** Operations on the tree of each who keeps something in it. */
const TREE_INTERVAL_MS = 2_000;
const PRODUCERS = 2;
const COORDINATING = 2;
const MEMBERS = 2;
const PROBE_AGAIN_MS = 1_000;
export class ClusterWorkload {
  readonly clients: readonly Actor[];
  readonly #options: ClusterWorkloadOptions;
  readonly #partitions: readonly PartitionHistory[];
  readonly #topics: ReadonlyMap<string, number>;
  readonly #producers: readonly Producing[];
  readonly #readers: readonly Reading[];
  readonly #members: readonly Grouping[];
  readonly #operator: Administering;
  readonly #coordinating: readonly Coordinating[];
  readonly #topicsCheck: TopicsCheck;
  readonly #group: GroupCheck;
  readonly #groupId: string;
  readonly #replicationFactor: number;
  #final: Reading | undefined;
  readonly #unprobed = new Set<PartitionHistory>();
  #prober: Producing | undefined;
  #ends: ReadonlyMap<PartitionHistory, number> | undefined;

  constructor(options: ClusterWorkloadOptions) {
    const { name, world, history, chance, takeNumber, brokers } = options;
    const clusters = options.clusters * options.calm;
    this.#options = options;
    this.#topics = new Map([
      ['orders', 1 + chance.below(2)],
      ['events', 1],
    ]);
    this.#replicationFactor = Math.min(3, brokers.length);
    this.#partitions = [...this.#topics].flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, index) => history.partition(name, topic, index)),
    );
    const partitions = this.#partitions;
    if (brokers.length > 1)
      for (const it of partitions) it.committed = () => options.committed(it.topic, it.partition);
    const maxWaitMs = chance.pick([500, 2_000, 5_000]);
    const deliveryTimeoutMs = chance.pick([10_000, 30_000, 120_000]);
    this.#producers = Array.from(
      { length: PRODUCERS },
      (_, index) =>
        new Producing(world, {
          machine: `${name}-p${index + 1}`,
          partitions,
          history,
          intervalMs: BURST_INTERVAL_MS * PRODUCERS * clusters,
          deliveryTimeoutMs,
          takeNumber,
        }),
    );
    this.#readers = [
      new Reading(world, {
        machine: `${name}-r1`,
        name: `${name} reader`,
        partitions,
        history,
        maxWaitMs,
        rackId: rackOf(chance.pick(brokers)),
      }),
    ];
    this.#groupId = `${name}-group`;
    this.#group = new GroupCheck(history, this.#groupId);
    const assignor = chance.pick(['range', 'cooperative-sticky', 'roundrobin'] as const);
    const sessionTimeoutMs = chance.pick([6_000, 10_000, 20_000]);
    this.#members = Array.from(
      { length: MEMBERS },
      (_, index) =>
        new Grouping(world, {
          machine: `${name}-g${index + 1}`,
          name: `${name} member ${index + 1}`,
          group: this.#groupId,
          partitions,
          history,
          check: this.#group,
          assignor,
          maxWaitMs,
          sessionTimeoutMs,
          rackId: rackOf(chance.pick(brokers)),
        }),
    );
    this.#topicsCheck = new TopicsCheck(history, name);
    this.#operator = new Administering(world, {
      machine: `${name}-o1`,
      name: `${name} operator`,
      history,
      check: this.#topicsCheck,
      replicationFactor: this.#replicationFactor,
      brokers,
      partitions,
      intervalMs: ADMIN_INTERVAL_MS * clusters,
    });
    const treeCheck = new TreeCheck(history, name);
    this.#coordinating = Array.from(
      { length: COORDINATING },
      (_, index) =>
        new Coordinating(world, {
          machine: `${name}-t${index + 1}`,
          name: `${name} tree user ${index + 1}`,
          check: treeCheck,
          intervalMs: TREE_INTERVAL_MS * clusters,
        }),
    );
    this.clients = [
      ...this.#producers,
      ...this.#readers,
      ...this.#members,
      this.#operator,
      ...this.#coordinating,
    ];
  }

  createTopics(): Promise<void> {
    const { world, name, history } = this.#options;
    return createTopics(world, name, history, this.#topics, this.#replicationFactor);
  }

  start(): void {
    for (const client of this.clients) client.start();
  }

  /** Peace: nobody sends by themselves any more; one probe for each partition must be taken. */
  endProducing(): void {
    for (const client of this.clients) if (client.process === undefined) client.start();
    for (const producer of this.#producers) producer.quiet();
    this.#operator.quiet();
    for (const user of this.#coordinating) user.quiet();
    const { world, history, name, takeNumber } = this.#options;
    this.#prober = new Producing(world, {
      machine: `${name}-probe`,
      partitions: this.#partitions,
      history,
      intervalMs: 1,
      deliveryTimeoutMs: 30_000,
      takeNumber,
    });
    this.#prober.quiet();
    this.#prober.start();
    for (const partition of this.#partitions) {
      this.#unprobed.add(partition);
      void this.#probe(partition);
    }
  }

  get areSendsSettled(): boolean {
    return this.#producers.every((it) => it.outstanding === 0);
  }

  get areProbesAcknowledged(): boolean {
    return this.#unprobed.size === 0;
  }

  unsettled(): readonly string[] {
    return [
      ...this.#producers
        .filter((it) => it.outstanding > 0)
        .map(
          (it) => `${it.process?.name ?? it.machine} has ${it.outstanding} sends without an answer`,
        ),
      ...[...this.#unprobed].map((it) => `${it.name} takes no record`),
    ];
  }

  /** A reader that has seen nothing yet reads all; the others and the groups come to the end, too. */
  readEverything(): void {
    const { world, history, name } = this.#options;
    this.#ends = new Map(this.#partitions.map((it) => [it, endOf(it)]));
    this.#final = new Reading(world, {
      machine: `${name}-last`,
      name: `${name} last reader`,
      partitions: this.#partitions,
      history,
      maxWaitMs: 500,
      rackId: '',
    });
    this.#final.start();
  }

  get isEverythingRead(): boolean {
    return this.unread().length === 0;
  }

  unread(): readonly string[] {
    const ends = this.#ends ?? new Map<PartitionHistory, number>();
    const behind: string[] = [];
    for (const [partition, end] of ends) {
      for (const reader of [...this.#readers, this.#final!])
        if (reader.next(partition) < end)
          behind.push(
            `${reader.process?.name ?? reader.machine} is at ${reader.next(partition)} of ${end} in ${partition.name}`,
          );
      if (!this.#group.hasRead(partition, end - 1))
        behind.push(`${this.#groupId} has not read ${end - 1} of ${partition.name}`);
      const owners = this.#members.filter((it) => it.owned.includes(partition));
      if (owners.length !== 1)
        behind.push(`${partition.name} has ${owners.length} owners in ${this.#groupId}`);
    }
    for (const user of this.#coordinating)
      if (!user.isDone) behind.push(`${user.process?.name ?? user.machine} cannot read the tree`);
    return behind;
  }

  checkEnd(
    check: (
      history: History,
      partition: PartitionHistory,
      start: number,
      log: readonly string[],
    ) => void,
  ): void {
    for (const partition of this.#partitions)
      check(this.#options.history, partition, 0, this.#final!.values.get(partition) ?? []);
  }

  /** What the coordinator has of the group, and the controller of topics. */
  checkAdmin(): Promise<void> {
    const { world, name, history } = this.#options;
    return lastLook({
      world,
      name,
      history,
      partitions: this.#partitions,
      groupId: this.#groupId,
      group: this.#group,
      topics: this.#topicsCheck,
    });
  }

  async #probe(partition: PartitionHistory): Promise<void> {
    const { scheduler } = this.#options.world;
    while (!(await this.#prober!.probe(partition)))
      await scheduler.sleep(PROBE_AGAIN_MS, this.#prober!.process);
    this.#unprobed.delete(partition);
  }
}

/** Behind the highest offset that anybody was told of. */
const endOf = (partition: PartitionHistory): number => {
  let end = 0;
  for (const offset of partition.at.keys()) if (offset >= end) end = offset + 1;
  return end;
};
