/** Three brokers of one cluster, each a process of its own, killed and started again at the same addresses on the same folders. */
import { join } from 'node:path';
import { Cluster, type Admin, type ClusterOptions } from '@odradek/client';
import { createClientHost } from '@odradek/node';
import type { Endpoint } from '@odradek/ports';
import { BrokerProcess } from './broker-process.ts';
import { freePort } from './free-port.ts';
import type { LinksBetween } from './links-between.ts';
import { until } from './until.ts';

export interface ClusterProcessesOptions {
  readonly folder: string;
  readonly size?: number;
  readonly config?: Readonly<Record<string, string>>;
  /** Of one broker alone. */
  readonly own?: (nodeId: number) => Readonly<Record<string, string>>;
  /** For Node itself. */
  readonly nodeFlags?: readonly string[];
  /** The ways between the members: without it they reach one another where they are. */
  readonly links?: LinksBetween;
}

interface Place {
  readonly nodeId: number;
  readonly port: number;
  readonly httpPort: number;
  readonly folder: string;
  /** Of this one alone. */
  readonly config: Readonly<Record<string, string>>;
}

export class ClusterProcesses implements AsyncDisposable {
  readonly #places: Place[];
  readonly #config: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #nodeFlags: readonly string[];
  readonly #running = new Map<number, BrokerProcess>();

  static async start(options: ClusterProcessesOptions): Promise<ClusterProcesses> {
    const { folder, size = 3, config = {}, own, nodeFlags = [], links } = options;
    const places: Omit<Place, 'config'>[] = [];
    for (let nodeId = 1; nodeId <= size; nodeId++) {
      const [port, httpPort] = [await freePort(), await freePort()];
      places.push({ nodeId, port, httpPort, folder: join(folder, `broker-${nodeId}`) });
    }
    const voters = places.map((it) => `${it.nodeId}@127.0.0.1:${it.httpPort}`).join(',');
    const configured: Place[] = [];
    for (const place of places) {
      const seen = await links?.votersFor(
        place.nodeId,
        places.map((it) => ({ nodeId: it.nodeId, host: '127.0.0.1', port: it.httpPort })),
      );
      const voters: Record<string, string> =
        seen === undefined ? {} : { 'controller.quorum.voters': seen };
      configured.push({ ...place, config: { ...voters, ...own?.(place.nodeId) } });
    }
    const shared = { 'controller.quorum.voters': voters, ...config };
    const cluster = new ClusterProcesses(folder, configured, shared, nodeFlags);
    await cluster.startAll();
    return cluster;
  }

  private constructor(
    folder: string,
    places: Place[],
    config: Readonly<Record<string, string>>,
    nodeFlags: readonly string[],
  ) {
    this.#folder = folder;
    this.#nodeFlags = nodeFlags;
    this.#places = places;
    this.#config = config;
  }

  get nodeIds(): readonly number[] {
    return this.#places.map((it) => it.nodeId);
  }

  /** As the configuration has them. */
  get voters(): string {
    return this.#config['controller.quorum.voters']!;
  }

  /** Of all of them, up or not. */
  get bootstrap(): readonly Endpoint[] {
    return this.#places.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  broker(nodeId: number): BrokerProcess {
    return this.#running.get(nodeId)!;
  }

  folderOf(nodeId: number): string {
    return this.#places.find((it) => it.nodeId === nodeId)!.folder;
  }

  /** One more broker, without a vote. */
  async add(nodeId: number): Promise<void> {
    const [port, httpPort] = [await freePort(), await freePort()];
    const folder = join(this.#folder, `broker-${nodeId}`);
    this.#places.push({ nodeId, port, httpPort, folder, config: { 'process.roles': 'broker' } });
    await this.start(nodeId);
  }

  async startAll(): Promise<void> {
    await Promise.all(this.nodeIds.map((it) => this.start(it)));
  }

  /** Resolves when it is registered and serves. */
  async start(nodeId: number): Promise<void> {
    const { port, httpPort, folder, config } = this.#places.find((it) => it.nodeId === nodeId)!;
    const broker = BrokerProcess.spawn({
      dataDirectory: folder,
      port,
      httpPort,
      config: { ...this.#config, ...config },
      flags: ['--node-id', String(nodeId)],
      nodeFlags: this.#nodeFlags,
    });
    this.#running.set(nodeId, broker);
    await broker.up();
  }

  async kill(nodeId: number, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    await this.broker(nodeId).kill(signal);
  }

  async killAll(): Promise<void> {
    await Promise.all(this.nodeIds.map((it) => this.kill(it)));
  }

  connect(options: Partial<ClusterOptions> = {}): Cluster {
    return new Cluster(createClientHost(), { bootstrap: this.bootstrap, ...options });
  }

  /** Until every partition of the topic has all of its replicas in sync again. */
  async whenInSync(admin: Admin, topic: string, timeoutMs = 60_000): Promise<void> {
    await until(async () => {
      const { partitions } = await admin.describeTopic(topic).catch(() => ({ partitions: [] }));
      return (
        partitions.length > 0 &&
        partitions.every((it) => it.isrNodes.length === it.replicaNodes.length)
      );
    }, timeoutMs);
  }

  /** The same for those that are up. */
  async whenInSyncBut(admin: Admin, topic: string, away: number): Promise<void> {
    await until(async () => {
      const { partitions } = await admin.describeTopic(topic).catch(() => ({ partitions: [] }));
      return (
        partitions.length > 0 &&
        partitions.every((it) => {
          const wanted = it.replicaNodes.filter((id) => id !== away);
          return wanted.every((id) => it.isrNodes.includes(id));
        })
      );
    }, 60_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map((it) => it.kill('SIGKILL').catch(() => {})));
  }
}
