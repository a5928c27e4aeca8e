/**
 * A broker under a load that touches everything that is kept on disk, and the check of all of it: several idempotent
 * producers over connections of their own, every compression, segments small enough that rolls, index writes and producer
 * snapshots happen all the time, compaction, retention, deleted records, groups, topics.
 */
import type { CompressionName } from '@odradek/ports';
import { createNodeCompression } from '@odradek/compression/node';
import { createNodeCrc32c } from '@odradek/node';
import { ErrorCode } from '@odradek/protocol';
import { seeded, type Chance } from '@odradek/protocol/testing';
import type { BrokerProcess } from '../support/broker-process.ts';
import { Unreadable, readPartition } from '../support/partition-reader.ts';
import { createTopic, type Configs } from '../support/steps.ts';
import { WireClient } from '../support/wire-client.ts';
import { AdminWork, COMMITTED_PARTITIONS, COMMITTED_TOPIC } from './admin-work.ts';
import { IdempotentProducer } from './idempotent-producer.ts';
import { PartitionLedger, type Keeping } from './ledger.ts';

/** Everything that a broker does by the clock happens many times in each of its short lives. */
export const HASTY = {
  'log.retention.check.interval.ms': '50',
  'log.cleaner.backoff.ms': '50',
  'log.flush.offset.checkpoint.interval.ms': '40',
  'log.segment.delete.delay.ms': '30',
  'offsets.topic.num.partitions': '2',
  // The logs of groups and of the metadata roll too: their settings are the broker's.
  'log.index.size.max.bytes': '256',
  'log.index.interval.bytes': '512',
  'log.cleaner.min.cleanable.ratio': '0.01',
  'group.initial.rebalance.delay.ms': '0',
} as const;

interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  readonly keeping: Keeping;
  readonly configs: Configs;
}

/** An index of 64 entries for every 1 KiB or more of log: a segment is full after 64 KiB. */
const SMALL_SEGMENTS = { 'segment.index.bytes': '512', 'index.interval.bytes': '1024' };
const RETENTION_BYTES = 200_000;

const TOPICS: readonly TopicPlan[] = [
  { name: 'plain', partitions: 2, keeping: 'everything', configs: { 'segment.bytes': '1048576' } },
  { name: 'rolling', partitions: 3, keeping: 'everything', configs: SMALL_SEGMENTS },
  {
    name: 'compacted',
    partitions: 1,
    keeping: 'compacted',
    configs: {
      ...SMALL_SEGMENTS,
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.01',
    },
  },
  {
    name: 'retained',
    partitions: 1,
    keeping: { retentionBytes: RETENTION_BYTES },
    configs: { ...SMALL_SEGMENTS, 'retention.bytes': String(RETENTION_BYTES) },
  },
  { name: 'trimmed', partitions: 1, keeping: 'everything', configs: SMALL_SEGMENTS },
];

const CODECS: readonly (CompressionName | undefined)[] = [
  undefined,
  undefined,
  'gzip',
  'snappy',
  'lz4',
  'zstd',
];
const PRODUCERS = 4;

export class Load {
  readonly chance: Chance;
  readonly ledgers: readonly PartitionLedger[];
  readonly producers: readonly IdempotentProducer[];
  readonly admin: AdminWork;
  readonly producerIds = new Set<number>();
  readonly #crc32c = createNodeCrc32c();
  readonly #compression = createNodeCompression();
  #clients: WireClient[] = [];
  #working: Promise<unknown> = Promise.resolve();

  constructor(seed: number) {
    const chance = seeded(seed);
    this.chance = chance;
    this.ledgers = TOPICS.flatMap(({ name, partitions, keeping }) =>
      Array.from(
        { length: partitions },
        (_, partition) => new PartitionLedger(name, partition, keeping),
      ),
    );
    this.producers = Array.from({ length: PRODUCERS }, (_, index) => {
      return new IdempotentProducer({
        tag: index + 1,
        // Each partition has several producers, each producer most partitions.
        ledgers: this.ledgers.filter((_ledger, place) => (place + index) % 4 !== 0),
        codecs: CODECS,
        recordsMax: 12,
        valueBytesMax: 400,
        restMs: 12,
        chance: seeded(seed + 1 + index),
        crc32c: this.#crc32c,
        compression: this.#compression,
        producerIds: this.producerIds,
      });
    });
    this.admin = new AdminWork({
      chance: seeded(seed + 100),
      producerIds: this.producerIds,
      deletable: this.ledger('trimmed'),
    });
  }

  async createTopics(broker: BrokerProcess): Promise<void> {
    const client = await WireClient.connect(broker.kafka);
    for (const { name, partitions, configs } of TOPICS)
      await createTopic(client, name, partitions, configs);
    await createTopic(client, COMMITTED_TOPIC, COMMITTED_PARTITIONS);
    client.close();
  }

  /** Begins to work; ends when the broker does, or at `stop`. */
  async begin(broker: BrokerProcess): Promise<void> {
    const clients = await Promise.all(
      Array.from({ length: PRODUCERS + 1 }, () => WireClient.connect(broker.kafka)),
    );
    this.#clients = clients;
    this.#working = Promise.all([
      ...this.producers.map((producer, index) => producer.run(clients[index]!)),
      this.admin.run(clients[PRODUCERS]!),
    ]);
    this.#working.catch(() => {});
  }

  /** The broker is gone, or is to be left alone. Tells of a promise that it broke meanwhile. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.#clients = [];
    await this.#working;
  }

  /** Everything that was sent and not answered is sent again, and answered. */
  async finish(broker: BrokerProcess): Promise<void> {
    const client = await WireClient.connect(broker.kafka);
    for (const producer of this.producers) await producer.finish(client);
    client.close();
  }

  /** Reads everything there is and compares it with what was acknowledged. Gives the bytes read. */
  async check(broker: BrokerProcess): Promise<number> {
    const client = await WireClient.connect(broker.kafka);
    const tools = { crc32c: this.#crc32c, compression: this.#compression };
    for (const ledger of this.ledgers) {
      for (let attempt = 1; ; attempt++) {
        try {
          await ledger.check(
            (visit) => readPartition(client, ledger.topic, ledger.partition, this.#crc32c, visit),
            tools,
          );
          break;
        } catch (error) {
          // Retention goes on while we read.
          const isOvertaken =
            error instanceof Unreadable && error.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE;
          if (!isOvertaken || ledger.keeping === 'everything' || attempt === 5) throw error;
        }
      }
    }
    await this.admin.check(client);
    client.close();
    return client.bytesReceived;
  }

  ledger(topic: string): PartitionLedger {
    return this.ledgers.find((it) => it.topic === topic)!;
  }

  get acknowledgedRecords(): number {
    return this.ledgers.reduce((sum, it) => sum + it.acknowledgedRecords, 0);
  }

  get acknowledgedBatches(): number {
    return this.producers.reduce((sum, it) => sum + it.acknowledgedBatches, 0);
  }

  get duplicates(): number {
    return this.producers.reduce((sum, it) => sum + it.duplicates, 0);
  }

  get resentRequests(): number {
    return this.producers.reduce((sum, it) => sum + it.resentRequests, 0);
  }
}
