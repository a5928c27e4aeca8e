/** An honest client that produces and fetches all the while, and knows how long it was kept waiting. */
import { ErrorCode } from '@odradek/protocol';
import type { Endpoint } from '@odradek/ports';
import { batchOf, valuesIn } from './batches.ts';
import { createTopic, fetchOnce, produce } from './steps.ts';
import { WireClient } from './wire-client.ts';

export class Bystander implements AsyncDisposable {
  readonly #client: WireClient;
  readonly #topic: string;
  readonly #latenciesMs: number[] = [];
  #isStopping = false;
  #working: Promise<void>;

  static async start(endpoint: Endpoint, topic = 'bystander'): Promise<Bystander> {
    const client = await WireClient.connect(endpoint);
    await createTopic(client, topic);
    return new Bystander(client, topic);
  }

  private constructor(client: WireClient, topic: string) {
    this.#client = client;
    this.#topic = topic;
    this.#working = this.#work();
    this.#working.catch(() => {});
  }

  /** Rounds since the latencies were last taken. */
  get count(): number {
    return this.#latenciesMs.length;
  }

  /** Since the last time it was asked. */
  takeLatencies(): {
    readonly count: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly maxMs: number;
  } {
    const sorted = this.#latenciesMs.splice(0).sort((a, b) => a - b);
    const at = (part: number): number =>
      Math.round(
        (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 10,
      ) / 10;
    return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }

  /** Ends; fails when anything was refused, lost or wrong. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#working;
    this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await this.#working.catch(() => {});
    this.#client.close();
  }

  async #work(): Promise<void> {
    for (let n = 0; !this.#isStopping; n++) {
      const startedMs = performance.now();
      const { errorCode, baseOffset } = await produce(
        this.#client,
        this.#topic,
        0,
        batchOf(`value ${n}`),
      );
      const fetched = await fetchOnce(this.#client, this.#topic, 0, n, 10_000);
      this.#latenciesMs.push(performance.now() - startedMs);
      if (errorCode !== ErrorCode.NONE || baseOffset !== n)
        throw new Error(`the bystander's record ${n}: error ${errorCode}, offset ${baseOffset}`);
      const [value] = valuesIn(fetched.records);
      if (value !== `value ${n}`) throw new Error(`the bystander reads ${value} at ${n}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
