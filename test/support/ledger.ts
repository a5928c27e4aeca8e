/**
 * A client that writes numbered records to every partition of a topic without a pause and knows which were acknowledged; and
 * the check that each of them is there, once and in order.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Consumer, Producer, type Cluster } from '@odradek/client';
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { expect } from 'vitest';
import { until } from './until.ts';

/** Records under way in each partition. */
const WINDOW = 20;
const DELIVERY_TIMEOUT_MS = 120_000;

export class Ledger implements AsyncDisposable {
  readonly topic: string;
  readonly #producer: Producer;
  readonly #acknowledged: string[][];
  readonly #writers: Promise<void>[];
  readonly #pauseMs: number;
  /** When each was acknowledged, and how long that took. */
  readonly #latencies: { readonly atMs: number; readonly tookMs: number }[] = [];
  #failure: unknown;
  #isStopping = false;

  constructor(cluster: Cluster, topic: string, partitions = 3, { pauseMs = 0 } = {}) {
    this.topic = topic;
    this.#pauseMs = pauseMs;
    this.#producer = new Producer(cluster, { deliveryTimeoutMs: DELIVERY_TIMEOUT_MS });
    this.#acknowledged = Array.from({ length: partitions }, () => []);
    this.#writers = this.#acknowledged.map((_, partition) =>
      this.#write(partition).catch((error: unknown) => void (this.#failure ??= error)),
    );
  }

  /** How many are acknowledged, by partition. */
  get counts(): readonly number[] {
    return this.#acknowledged.map((it) => it.length);
  }

  /** How long 99 of 100 of those took that were acknowledged since; `performance.now()` is the time. */
  p99Ms(sinceMs: number, untilMs = Infinity): number {
    const tookMs = this.#latencies
      .filter(({ atMs }) => atMs >= sinceMs && atMs < untilMs)
      .map((it) => it.tookMs)
      .sort((a, b) => a - b);
    return tookMs[Math.floor(tookMs.length * 0.99)] ?? NaN;
  }

  /** Until `count` more are acknowledged in each partition. */
  async progress(count: number, timeoutMs = 60_000): Promise<void> {
    const before = this.counts;
    await until(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return this.counts.every((it, i) => it >= before[i]! + count);
    }, timeoutMs);
  }

  async stop(): Promise<readonly (readonly string[])[]> {
    this.#isStopping = true;
    await Promise.all(this.#writers);
    if (this.#failure !== undefined) throw this.#failure;
    return this.#acknowledged;
  }

  /** Reads all of it with a client of its own: what was acknowledged is there, once and in order. */
  async check(cluster: Cluster): Promise<void> {
    const kept: string[][] = this.counts.map(() => []);
    const consumer = new Consumer(cluster, { from: 'earliest', maxWaitMs: 100 });
    await consumer.assign(kept.map((_, partition) => ({ topic: this.topic, partition })));
    while (this.counts.some((count, partition) => kept[partition]!.length < count)) {
      const batch = await consumer.poll(AbortSignal.timeout(60_000));
      if (batch === undefined) break;
      kept[batch.partition]!.push(...batch.records.map(({ value }) => utf8Decode(value!)));
    }
    await consumer.close();
    for (const [partition, values] of this.#acknowledged.entries()) {
      // Answers may come in another order than the records: what is in the log may not.
      const sent = [...values].sort((a, b) => Number(a) - Number(b));
      expect(kept[partition]!.slice(0, values.length)).toEqual(sent);
      expect(new Set(kept[partition]).size).toBe(kept[partition]!.length);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await this.#producer.close().catch(() => {});
  }

  async #write(partition: number): Promise<void> {
    const acknowledged = this.#acknowledged[partition]!;
    const underWay: Promise<void>[] = [];
    for (let n = 0; !this.#isStopping; n++) {
      const value = String(n);
      const sentMs = performance.now();
      underWay.push(
        this.#producer.send(this.topic, { value: utf8Encode(value), partition }).then(() => {
          acknowledged.push(value);
          const atMs = performance.now();
          this.#latencies.push({ atMs, tookMs: atMs - sentMs });
        }),
      );
      if (underWay.length >= WINDOW) await underWay.shift();
      if (this.#pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#pauseMs));
    }
    await Promise.all(underWay);
  }
}

/** The segments of a replica, one after the other. */
export const replicaBytes = (folder: string, topic: string, partition: number): Buffer => {
  const place = join(folder, `${topic}-${partition}`);
  const segments = readdirSync(place).filter((it) => it.endsWith('.log'));
  return Buffer.concat(segments.sort().map((it) => readFileSync(join(place, it))));
};

/** Of replicas that are all in sync, with nobody writing: the same to the byte, and not empty. */
export const expectSameBytes = async (
  folders: readonly string[],
  topic: string,
  partitions: number,
): Promise<void> => {
  for (let partition = 0; partition < partitions; partition++) {
    const copies = (): readonly Buffer[] => folders.map((it) => replicaBytes(it, topic, partition));
    await until(() => copies().every((it) => it.equals(copies()[0]!)), 20_000);
    expect(copies()[0]!.length).toBeGreaterThan(0);
  }
};

/** Of replicas that may not all be at the end: the same as far as the shortest goes, and not empty. */
export const expectSamePrefix = (
  folders: readonly string[],
  topic: string,
  partition: number,
): void => {
  const copies = folders.map((it) => replicaBytes(it, topic, partition));
  const length = Math.min(...copies.map((it) => it.length));
  expect(length).toBeGreaterThan(0);
  for (const copy of copies)
    expect(copy.subarray(0, length).equals(copies[0]!.subarray(0, length))).toBe(true);
};
