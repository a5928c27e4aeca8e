/** A real Apache Kafka, one broker that is its own controller, on a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WireClient } from './wire-client.ts';
import type { Kafka } from './java.ts';
import { until } from './until.ts';

const CLUSTER_ID = 'goldengoldengoldengold';
const START_TIMEOUT_MS = 60_000;

export class KafkaProcess {
  readonly dataDirectory: string;
  readonly port: number;
  readonly #kafka: Kafka;
  readonly #folder: string;
  readonly #properties: string;
  #child: ChildProcess | undefined;

  /** Formats the folder and starts. */
  static async start(
    kafka: Kafka,
    config: Readonly<Record<string, string>> = {},
  ): Promise<KafkaProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'kafka-test-'));
    const [port, controllerPort] = await freePorts();
    const broker = new KafkaProcess(kafka, folder, port);
    const all = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      'log.dirs': broker.dataDirectory,
      'offsets.topic.replication.factor': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'transaction.state.log.num.partitions': '1',
      'group.initial.rebalance.delay.ms': '0',
      ...config,
    };
    const lines = Object.entries(all).map(([key, value]) => `${key}=${value}`);
    await writeFile(broker.#properties, lines.join('\n'));
    const args = ['format', '-t', CLUSTER_ID, '-c', broker.#properties];
    const { code, stdout, stderr } = await kafka.run('kafka.tools.StorageTool', args);
    if (code !== 0) throw new Error(`${stdout}${stderr}`);
    await broker.start();
    return broker;
  }

  private constructor(kafka: Kafka, folder: string, port: number) {
    this.#kafka = kafka;
    this.#folder = folder;
    this.#properties = join(folder, 'server.properties');
    this.dataDirectory = join(folder, 'data');
    this.port = port;
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** After a stop: the same broker on the same folder. */
  async start(): Promise<void> {
    const child = spawn('java', this.#kafka.command('kafka.Kafka', this.#properties), {
      stdio: 'ignore',
    });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    this.#child = child;
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`Apache Kafka ended with ${child.exitCode}`);
      return WireClient.connect({ host: '127.0.0.1', port: this.port }).then(
        (it) => (it.close(), true),
        () => false,
      );
    }, START_TIMEOUT_MS);
  }

  /** In order: indexes are trimmed, snapshots written. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Two, free a moment ago. */
const freePorts = async (): Promise<[number, number]> => {
  const servers = [createServer(), createServer()];
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening');
  const [first, second] = servers.map((it) => (it.address() as AddressInfo).port);
  for (const server of servers) await once(server.close(), 'close');
  return [first!, second!];
};
