/**
 * A broker as the coordinator sees it: topics, and a log for each partition of __consumer_offsets, kept as the batches that a
 * broker would write. Appends can be held back and refused; restarting reads the log anew.
 */
import { buildBatch, crc32cJs, ErrorCode } from '@odradek/protocol';
import type { Uuid } from '@odradek/protocol';
import { silentLogger } from '@odradek/ports';
import type { Compression, Random } from '@odradek/ports';
import { defaultGroupConfig } from '../config.ts';
import type { GroupConfig } from '../config.ts';
import { GroupCoordinator } from '../group-coordinator.ts';
import type { CoordinatorHost } from '../host.ts';
import type { RecordBytes } from '../records/records.ts';
import { VirtualClock } from './virtual-clock.ts';

interface HeldAppend {
  readonly partition: number;
  readonly records: readonly RecordBytes[];
  readonly settle: (errorCode: ErrorCode) => void;
}

export class FakeBroker implements CoordinatorHost {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly logger = silentLogger;
  readonly compression: Compression = {
    compress: () => unused(),
    decompress: () => unused(),
  };
  config: GroupConfig;
  coordinator: GroupCoordinator;
  /** What becomes of appends: committed at once, kept waiting, or refused with a code. */
  appends: 'commit' | 'hold' | { readonly refuse: ErrorCode } = 'commit';
  readonly topics = new Map<string, { readonly topicId: Uuid; readonly partitions: number }>();
  readonly logs = new Map<number, Uint8Array[]>();
  readonly #held: HeldAppend[] = [];
  #epoch = 0;

  constructor(random: Random, config: Partial<GroupConfig> = {}) {
    this.random = random;
    this.config = { ...defaultGroupConfig, ...config };
    this.coordinator = new GroupCoordinator(this);
  }

  static async start(random: Random, config: Partial<GroupConfig> = {}): Promise<FakeBroker> {
    const broker = new FakeBroker(random, { offsetsTopicPartitions: 1, ...config });
    broker.addTopic('words', 4);
    await broker.lead();
    return broker;
  }

  addTopic(name: string, partitions: number): void {
    const hex = (this.topics.size + 1).toString(16).padStart(32, '0');
    this.topics.set(name, { topicId: hex as Uuid, partitions });
  }

  topicExists(topic: string, partition: number): boolean {
    return partition >= 0 && partition < (this.topics.get(topic)?.partitions ?? 0);
  }

  topicName(topicId: Uuid): string | undefined {
    return [...this.topics].find(([, topic]) => topic.topicId === topicId)?.[0];
  }

  topicId(topic: string): Uuid | undefined {
    return this.topics.get(topic)?.topicId;
  }

  append(partition: number, records: readonly RecordBytes[]): Promise<ErrorCode> {
    if (typeof this.appends === 'object') return Promise.resolve(this.appends.refuse);
    const committed = new Promise<ErrorCode>((settle) =>
      this.#held.push({ partition, records, settle }),
    );
    if (this.appends === 'commit') this.commitHeld();
    return committed;
  }

  get heldAppends(): number {
    return this.#held.length;
  }

  /** What was held is committed, in order: all of it, or so many appends. */
  commitHeld(count: number = this.#held.length): void {
    for (const { partition, records, settle } of this.#held.splice(0, count)) {
      this.#log(partition).push(this.#batch(records));
      settle(ErrorCode.NONE);
    }
  }

  /** What was held is lost, as with a leader that is deposed. */
  loseHeld(errorCode: ErrorCode): void {
    for (const { settle } of this.#held.splice(0)) settle(errorCode);
  }

  /** Becomes leader of all partitions. */
  async lead(): Promise<void> {
    this.#epoch++;
    for (let partition = 0; partition < this.config.offsetsTopicPartitions; partition++) {
      await this.coordinator.load(partition, this.#epoch, this.#read(partition));
    }
  }

  /** The process ends: what was held is lost, and all that is left is the log. */
  async restart(): Promise<void> {
    this.coordinator.close();
    this.loseHeld(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    await this.clock.settle();
    this.coordinator = new GroupCoordinator(this);
    await this.lead();
  }

  async *#read(partition: number): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#log(partition);
  }

  #log(partition: number): Uint8Array[] {
    const log = this.logs.get(partition) ?? [];
    this.logs.set(partition, log);
    return log;
  }

  #batch(records: readonly RecordBytes[]): Uint8Array {
    const timestampMs = this.clock.wallTimeMs();
    return buildBatch({
      records: records.map(({ key, value }) => ({ timestampMs, key, value })),
      crc32c: crc32cJs,
    });
  }
}

function unused(): never {
  throw new Error('nothing here is compressed');
}
