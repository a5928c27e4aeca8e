/**
 * Connections of its own to one broker at a time, whichever serves: the tree is the same on all of them. What does not answer, or cannot
 * speak for the tree now, is left for the next one.
 *
 * Answers come in the order of the requests, so what must not wait for something else has another lane.
 */
import type { Api } from '../api.ts';
import type { BrokerConnection } from '../broker-connection.ts';
import type { Cluster } from '../cluster.ts';
import { ClientClosed, ConnectionLost, NoBrokerReachable, RequestTimedOut } from '../errors.ts';

/** A connection, and whose it is. */
export interface Seat {
  readonly nodeId: number;
  readonly connection: BrokerConnection;
}

export class Lane {
  readonly #cluster: Cluster;
  readonly #name: string;
  #nodeId: number | undefined;
  /** In a row, whoever was asked. */
  #failures = 0;

  constructor(cluster: Cluster, purpose: string) {
    this.#cluster = cluster;
    this.#name = cluster.newLane(purpose);
  }

  /** Rejects with what is retriable, and nothing was sent; or with what waiting cannot help. */
  async connect(timeoutMs: number): Promise<Seat> {
    const nodeId = await this.#inTime(this.#whoseTurn(), timeoutMs);
    try {
      const opened = this.#cluster.connect(nodeId, this.#name);
      return { nodeId, connection: await this.#inTime(opened, timeoutMs) };
    } catch (error) {
      this.passOn(nodeId);
      throw this.#asLost(error);
    }
  }

  /** Over a connection of this lane. Whether it was handled is not known when it rejects. */
  async request<In, Out>(
    { nodeId, connection }: Seat,
    api: Api<In, Out>,
    body: NoInfer<In>,
    timeoutMs: number,
  ): Promise<Out> {
    try {
      return await connection.request(api, body, timeoutMs);
    } catch (error) {
      if (!connection.isOpen) this.passOn(nodeId);
      throw this.#asLost(error);
    }
  }

  /** It serves: failures before it do not count any more. */
  served(): void {
    this.#failures = 0;
  }

  /** The next broker's turn, if it was this one's: several may find out at once. */
  passOn(nodeId: number): void {
    if (nodeId !== this.#nodeId) return;
    this.#failures += 1;
    const ids = this.#ids();
    this.#nodeId = ids[(ids.indexOf(nodeId) + 1) % Math.max(1, ids.length)];
    this.#cluster.closeLane(this.#name);
    // Whom there is may have changed meanwhile. It is not waited for: one that hangs must not keep the others.
    if (this.#failures % Math.max(1, ids.length) === 0) this.#refresh().catch(() => {});
  }

  close(): void {
    this.#cluster.closeLane(this.#name);
  }

  async #whoseTurn(): Promise<number> {
    if (this.#ids().length === 0) await this.#refresh();
    const ids = this.#ids();
    if (ids.length === 0) throw new NoBrokerReachable('no broker of the cluster is known');
    if (this.#nodeId === undefined || !ids.includes(this.#nodeId))
      this.#nodeId = ids[this.#cluster.host.random.uint32() % ids.length]!;
    return this.#nodeId;
  }

  async #refresh(): Promise<void> {
    await this.#cluster.metadata({ topics: [] });
  }

  #ids(): readonly number[] {
    return [...this.#cluster.nodeIds].sort((a, b) => a - b);
  }

  /** A connection that was given up for another broker is lost, and not the client's end. */
  #asLost(error: unknown): unknown {
    if (!(error instanceof ClientClosed) || this.#cluster.isClosed) return error;
    return new ConnectionLost(error.message, { cause: error });
  }

  #inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
    const { clock } = this.#cluster.host;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimeout(
        () => reject(new RequestTimedOut(`no connection within ${Math.round(timeoutMs)} ms`)),
        timeoutMs,
      );
      work.then(resolve, reject).finally(() => clock.clearTimeout(timer));
    });
  }
}
