/** A broker beside the user (in memory here) and a server far away, with a network between them that can be cut. */
import { Cluster, readTopic, type ReadRecord } from '@odradek/client';
import { Outbox, OutboxSender, type OutboxSenderOptions } from '@odradek/client/outbox';
import { createClientHost } from '@odradek/node';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const RETRY = { backoffMs: 20, backoffMaxMs: 100 };

export class TwoWorlds implements AsyncDisposable {
  readonly #folders: AsyncDisposable[] = [];
  local!: InProcessBroker;
  server!: InProcessBroker;
  proxy!: CuttingProxy;
  localFolder!: string;
  serverFolder!: string;
  #serverPort = 0;
  readonly #clusters = new Set<Cluster>();

  static async start(): Promise<TwoWorlds> {
    const worlds = new TwoWorlds();
    worlds.localFolder = await worlds.#folder();
    worlds.serverFolder = await worlds.#folder();
    worlds.#serverPort = await freePort();
    worlds.proxy = await CuttingProxy.to({ host: '127.0.0.1', port: worlds.#serverPort });
    await worlds.startLocal();
    await worlds.startServer();
    return worlds;
  }

  async startLocal(): Promise<void> {
    this.local = await startInProcess({ dataDirectory: this.localFolder });
  }

  /** Everybody reaches it through the proxy alone. */
  async startServer(config: Readonly<Record<string, string>> = {}): Promise<void> {
    this.server = await startInProcess({
      dataDirectory: this.serverFolder,
      config: {
        listeners: `PLAINTEXT://127.0.0.1:${this.#serverPort}`,
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${this.proxy.port}`,
        ...config,
      },
    });
  }

  cluster(port: number): Cluster {
    const cluster = new Cluster(createClientHost(), {
      bootstrap: [{ host: '127.0.0.1', port }],
      requestTimeoutMs: 1_000,
    });
    this.#clusters.add(cluster);
    return cluster;
  }

  toLocal(): Cluster {
    return this.cluster(this.local.addresses.kafka!.port);
  }

  /** Around the proxy would be cheating: the cut is the point. */
  toServer(): Cluster {
    return this.cluster(this.proxy.port);
  }

  sender(options: OutboxSenderOptions = {}): OutboxSender {
    return new OutboxSender(this.toLocal(), this.toServer(), { retry: RETRY, ...options });
  }

  outbox(options: Parameters<typeof Outbox.open>[1] = {}): Promise<Outbox> {
    return Outbox.open(this.toLocal(), options);
  }

  /** All that the server has of a topic, by partition. */
  async read(topic: string): Promise<ReadonlyMap<number, readonly string[]>> {
    const found = new Map<number, string[]>();
    for await (const records of readTopic(this.toServer(), {
      topic,
      from: { at: 'earliest' },
      until: { at: 'latest' },
    }))
      for (const record of records)
        found.set(record.partition, [...(found.get(record.partition) ?? []), textOf(record)]);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cluster of this.#clusters) cluster.close();
    await Promise.allSettled([this.local.stop(), this.server.stop()]);
    await this.proxy[Symbol.asyncDispose]();
    for (const folder of this.#folders) await folder[Symbol.asyncDispose]();
  }

  async #folder(): Promise<string> {
    const folder = await temporaryFolder();
    this.#folders.push(folder);
    return folder.path;
  }
}

export const text = (value: string): Uint8Array => utf8Encode(value);
export const textOf = ({ value }: Pick<ReadRecord, 'value'>): string =>
  value === null ? '(none)' : utf8Decode(value);
