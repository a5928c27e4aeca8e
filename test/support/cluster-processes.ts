/** Three brokers of one cluster, each a process of its own, killed and started again at the same addresses on the same folders. */
import { join } from 'node:path';
import { Cluster, type Admin, type ClusterOptions } from '@odradek/client';
import { createClientHost } from '@odradek/node';
import type { Endpoint } from '@odradek/ports';
import { BrokerProcess } from './broker-process.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

export interface ClusterProcessesOptions {
  readonly folder: string;
  readonly size?: number;
  readonly config?: Readonly<Record<string, string>>;
}

interface Place {
  readonly nodeId: number;
  readonly port: number;
  readonly httpPort: number;
  readonly folder: string;
}

export class ClusterProcesses implements AsyncDisposable {
  readonly #places: readonly Place[];
  readonly #config: Readonly<Record<string, string>>;
  readonly #running = new Map<number, BrokerProcess>();

  static async start({ folder, size = 3, config = {} }: ClusterProcessesOptions) {
    const places: Place[] = [];
    for (let nodeId = 1; nodeId <= size; nodeId++) {
      const [port, httpPort] = [await freePort(), await freePort()];
      places.push({ nodeId, port, httpPort, folder: join(folder, `broker-${nodeId}`) });
    }
    const voters = places.map((it) => `${it.nodeId}@127.0.0.1:${it.httpPort}`).join(',');
    const cluster = new ClusterProcesses(places, {
      'controller.quorum.voters': voters,
      ...config,
    });
    await cluster.startAll();
    return cluster;
  }

  private constructor(places: readonly Place[], config: Readonly<Record<string, string>>) {
    this.#places = places;
    this.#config = config;
  }

  get nodeIds(): readonly number[] {
    return this.#places.map((it) => it.nodeId);
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

  async startAll(): Promise<void> {
    await Promise.all(this.nodeIds.map((it) => this.start(it)));
  }

  /** Resolves when it is registered and serves. */
  async start(nodeId: number): Promise<void> {
    const { port, httpPort, folder } = this.#places.find((it) => it.nodeId === nodeId)!;
    const broker = BrokerProcess.spawn({
      dataDirectory: folder,
      port,
      httpPort,
      config: this.#config,
      flags: ['--node-id', String(nodeId)],
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

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.values()].map((it) => it.kill('SIGKILL').catch(() => {})));
  }
}
