/**
 * One history: a world from a seed, a time of harm (safety: nothing that was promised may be broken), a time of peace
 * (liveness: everything must come to its end), and a last look at everything.
 *
 * Each cluster has clients of its own. `shape` says how brokers make clusters: one of them all, or each for itself.
 */
import type { Probe } from '@odradek/ports';
import { Chance } from './chance.ts';
import { checkFinalLog } from './checkers/final-log.ts';
import { History } from './checkers/history.ts';
import { ObservedRules } from './checkers/observed.ts';
import { restartIfIll, type World } from './faults/faults.ts';
import { Nemesis } from './faults/nemesis.ts';
import { Network } from './network/network.ts';
import { BrokerNode, KAFKA_PORT, mutantsOf } from './nodes/broker-node.ts';
import {
  clusterSettings,
  entriesFor,
  machineOf,
  votersAmong,
  type ClusterSettings,
} from './nodes/cluster-settings.ts';
import type { PlannedAct, SimulationOptions, SimulationResult } from './simulation-options.ts';
import { Scheduler, StandsStill } from './time/scheduler.ts';
import type { MachineTime } from './time/virtual-clock.ts';
import { Trace } from './trace.ts';
import type { Actor, ClientWorld } from './workload/client-host.ts';
import { ClusterWorkload } from './workload/cluster-workload.ts';

/** A start takes milliseconds; that it has failed is told. */
const SETUP_MS_MAX = 60_000;
/** From the end of the harm until everything must have come to its end. */
const LIVENESS_MS_MAX = 180_000;
/** Whether it has come to its end costs more than most events. */
const LOOK_INTERVAL_MS = 20;
const RESTART_AFTER_MS = 1_000;
const DRIFT_MAX = 2e-4;
/** Of a cluster whose size is drawn: the most usual one most often. */
const SIZES = [3, 3, 3, 4, 5, 5, 6, 7] as const;

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const trace = new Trace(options.print);
  const simulation = new Simulation(options, trace);
  await simulation.run();
  return simulation.result();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #trace: Trace;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #history: History;
  readonly #nodes: readonly BrokerNode[];
  readonly #workloads: readonly ClusterWorkload[];
  readonly #nemesis: Nemesis;
  readonly #rulesOf = new Map<number, ObservedRules>();
  readonly #chance: Chance;

  constructor(options: SimulationOptions, trace: Trace) {
    const { seed, brokers, shape } = options;
    this.#options = options;
    this.#trace = trace;
    this.#scheduler = new Scheduler(trace);
    this.#network = new Network(this.#scheduler, new Chance(seed, 'network'));
    this.#history = new History(this.#scheduler);
    this.#chance = new Chance(seed, 'simulation');
    const count = brokers === 'mixed' ? new Chance(seed, 'size').pick(SIZES) : brokers;
    const ids = Array.from({ length: count }, (_, index) => index + 1);
    const clusters = shape === 'one' ? [ids] : ids.map((id) => [id]);
    let producers = 0;
    const takeNumber = (): number => ++producers;
    const nodes: BrokerNode[] = [];
    const workloads: ClusterWorkload[] = [];
    clusters.forEach((members, index) => {
      const name = `c${index + 1}`;
      const rules = new ObservedRules(this.#history, name, votersAmong(members));
      for (const nodeId of members) this.#rulesOf.set(nodeId, rules);
      const settings = clusterSettings(new Chance(seed, `settings ${name}`), members);
      const probe: Probe = { mutants: mutantsOf(options.mutants ?? []), observer: rules };
      for (const nodeId of members) nodes.push(this.#createNode(nodeId, settings, probe, rules));
      const world: ClientWorld = {
        seed,
        scheduler: this.#scheduler,
        network: this.#network,
        bootstrap: members.map((nodeId) => ({ host: machineOf(nodeId), port: KAFKA_PORT })),
        requestTimeoutMs: this.#chance.pick([5_000, 15_000, 30_000]),
      };
      workloads.push(
        new ClusterWorkload({
          name,
          world,
          history: this.#history,
          chance: new Chance(seed, `workload ${name}`),
          brokers: members,
          clusters: clusters.length,
          calm: options.calm ?? 1,
          takeNumber,
          committed: (topic, partition) => rules.committed(topic, partition),
        }),
      );
    });
    this.#nodes = nodes;
    this.#workloads = workloads;
    const clients = workloads.flatMap((it) => it.clients);
    this.#nemesis = new Nemesis({
      scheduler: this.#scheduler,
      chance: new Chance(seed, 'nemesis'),
      only: options.faults,
      world: this.#world(clients),
    });
  }

  async run(): Promise<void> {
    try {
      await this.#live();
    } catch (error) {
      if (!(error instanceof StandsStill)) throw error;
      this.#history.violate('not-live', error.message);
    }
  }

  async #live(): Promise<void> {
    const { seconds } = this.#options;
    const scheduler = this.#scheduler;
    for (const node of this.#nodes) node.start();
    if (!(await this.#reach('the start', SETUP_MS_MAX, () => this.#nodes.every((it) => it.isUp))))
      return;
    if (!(await this.#setUp())) return;
    this.#trace.milestone('simulation', 'the time of harm begins');
    for (const workload of this.#workloads) workload.start();
    this.#nemesis.start();
    for (const planned of this.#options.plan ?? []) this.#plan(planned);
    const endMs = scheduler.nowMs + seconds * 1000;
    await scheduler.run(endMs, () => this.#isViolated || this.#revive());
    if (this.#isViolated) return;
    this.#trace.milestone('simulation', 'peace: everything is mended');
    this.#nemesis.stop();
    for (const node of this.#nodes) this.#mend(node);
    await this.#peace();
  }

  #plan({ atMs, node: nodeId, act }: PlannedAct): void {
    const node = this.#nodes.find((it) => it.nodeId === nodeId)!;
    this.#scheduler.after(atMs, undefined, 'plan', () => {
      if (act === 'kill') node.kill();
      else if (act === 'powerCut') node.cutPower();
      else node.start();
    });
  }

  result(): SimulationResult {
    const { violation, counts } = this.#history;
    this.#trace.mix(counts.acknowledged);
    this.#trace.mix(counts.polled);
    return {
      seed: this.#options.seed,
      hash: this.#trace.hash,
      violation,
      simulatedMs: this.#scheduler.nowMs,
      events: this.#scheduler.eventCount,
      counts,
      faults: this.#nemesis.counts,
      trace: this.#trace,
    };
  }

  get #isViolated(): boolean {
    return this.#history.violation !== undefined;
  }

  async #setUp(): Promise<boolean> {
    let left = this.#workloads.length;
    for (const workload of this.#workloads)
      void workload.createTopics().then(() => {
        left -= 1;
      });
    return this.#reach('the topics', SETUP_MS_MAX, () => left === 0);
  }

  async #peace(): Promise<void> {
    const workloads = this.#workloads;
    if (
      !(await this.#reach('that all brokers run', LIVENESS_MS_MAX, () => {
        this.#revive();
        for (const node of this.#nodes)
          if (node.isUp && node.problems().length > 0) this.#mend(node);
        return this.#nodes.every((it) => it.isUp);
      }))
    )
      return;
    for (const workload of workloads) workload.endProducing();
    if (
      !(await this.#reach(
        'that every partition takes records and every send is answered',
        LIVENESS_MS_MAX,
        () => {
          for (const node of this.#nodes) restartIfIll(node, { trace: this.#trace });
          return workloads.every((it) => it.areSendsSettled && it.areProbesAcknowledged);
        },
        () => workloads.flatMap((it) => it.unsettled()).join('; '),
      ))
    )
      return;
    for (const workload of workloads) workload.readEverything();
    if (
      !(await this.#reach(
        'that everything is read, by readers and by groups',
        LIVENESS_MS_MAX,
        () => workloads.every((it) => it.isEverythingRead),
        () => workloads.flatMap((it) => it.unread()).join('; '),
      ))
    )
      return;
    for (const workload of workloads) workload.checkEnd(checkFinalLog);
    let left = workloads.length;
    for (const workload of workloads) void workload.checkAdmin().then(() => (left -= 1));
    await this.#reach(
      'what the coordinators and the controllers have',
      LIVENESS_MS_MAX,
      () => left === 0,
    );
  }

  async #reach(
    what: string,
    withinMs: number,
    isDone: () => boolean,
    why: () => string = () => '',
  ): Promise<boolean> {
    const scheduler = this.#scheduler;
    const untilMs = scheduler.nowMs + withinMs;
    let nextLookMs = scheduler.nowMs;
    await scheduler.run(untilMs, () => {
      if (this.#isViolated) return true;
      if (scheduler.nowMs < nextLookMs) return false;
      nextLookMs = scheduler.nowMs + LOOK_INTERVAL_MS;
      return isDone();
    });
    if (this.#isViolated) return false;
    if (isDone()) return true;
    const states = this.#nodes
      .map((it) => `${it.machine} ${it.state}${it.failure === undefined ? '' : ` (${it.failure})`}`)
      .join(', ');
    this.#history.violate(
      'not-live',
      `${what}: not within ${withinMs / 1000} s; ${states}; ${why()}`,
    );
    return false;
  }

  /** Who failed by itself is started again, as a supervisor does. */
  readonly #reviving = new Set<BrokerNode>();
  #revive(): false {
    for (const node of this.#nodes) {
      if (node.state !== 'down' || node.failure === undefined || this.#reviving.has(node)) continue;
      this.#reviving.add(node);
      this.#scheduler.after(RESTART_AFTER_MS, undefined, 'supervisor', () => {
        this.#reviving.delete(node);
        node.start();
      });
    }
    return false;
  }

  #mend(node: BrokerNode): void {
    node.disk.slowness = 1;
    node.disk.empty();
    node.disk.memory.failNothing();
    node.resume();
    restartIfIll(node, { trace: this.#trace });
  }

  #createNode(
    nodeId: number,
    settings: ClusterSettings,
    probe: Probe,
    rules: ObservedRules,
  ): BrokerNode {
    const chance = new Chance(this.#options.seed, `machine ${nodeId}`);
    const time: MachineTime = {
      drift: chance.between(-DRIFT_MAX, DRIFT_MAX),
      wallOffsetMs: Math.round(chance.between(-500, 500)),
      monotonicOffsetMs: Math.round(chance.between(0, 1e9)),
    };
    return new BrokerNode({
      nodeId,
      machine: machineOf(nodeId),
      entries: entriesFor(nodeId, settings),
      seed: this.#options.seed,
      scheduler: this.#scheduler,
      network: this.#network,
      trace: this.#trace,
      time,
      probe,
      onStart: () => rules.nodeStarts(nodeId),
    });
  }

  #world(clients: readonly Actor[]): World {
    return {
      chance: new Chance(this.#options.seed, 'faults'),
      trace: this.#trace,
      network: this.#network,
      nodes: this.#nodes,
      canLoseDisk: (nodeId) => this.#rulesOf.get(nodeId)!.canLose(nodeId),
      othersHaveAll: (nodeId) => this.#rulesOf.get(nodeId)!.othersHaveAll(nodeId),
      clients,
      machines: [...this.#nodes, ...clients].map((it) => it.machine),
      pauseProcess: (client) => {
        const { process } = client;
        if (process === undefined) return () => {};
        this.#trace.milestone(process.name, 'stands still');
        this.#scheduler.pause(process);
        return () => this.#scheduler.resume(process);
      },
    };
  }
}
