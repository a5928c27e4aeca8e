/**
 * All client connections of the broker: their number is bounded (over all listeners and by address), those unused for long
 * are closed, and on shutdown all are drained. Each has a machine of its own; the machine's effects find their connection by
 * id, so that one provided machine serves all.
 */
import type { Clock, Connection, Logger } from '@odradek/ports';
import { createActor, waitFor, type ActorRefFrom } from 'xstate';
import type { Handler } from '../handlers/handler.ts';
import type { RequestMetrics } from '../metrics/request-metrics.ts';
import type { BrokerServices } from '../services.ts';
import { ClientConnection, hostOf } from './client-connection.ts';
import { clientConnectionMachine, type ConnectionEvent } from './client-connection.machine.ts';
import type { RequestBudget } from './request-budget.ts';

interface Open {
  readonly client: ClientConnection;
  readonly actor: ActorRefFrom<typeof clientConnectionMachine>;
  readonly host: string;
  readonly listenerName: string;
}

export class Connections {
  readonly budget: RequestBudget;
  readonly #broker: BrokerServices;
  readonly #handlers: ReadonlyMap<number, Handler>;
  readonly #metrics: RequestMetrics;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #machine: typeof clientConnectionMachine;
  readonly #open = new Map<string, Open>();
  readonly #byHost = new Map<string, number>();
  #counter = 0;
  #isDraining = false;

  constructor(options: {
    broker: BrokerServices;
    metrics: RequestMetrics;
    clock: Clock;
    logger: Logger;
  }) {
    this.#broker = options.broker;
    this.#handlers = new Map(options.broker.handlers.map((it) => [it.key, it]));
    this.#metrics = options.metrics;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.budget = options.broker.budget;
    this.#machine = this.#provide();
  }

  get size(): number {
    return this.#open.size;
  }

  countByListener(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { listenerName } of this.#open.values())
      counts.set(listenerName, (counts.get(listenerName) ?? 0) + 1);
    return counts;
  }

  accept(connection: Connection, listenerName: string): void {
    const config = this.#broker.settings.broker;
    const host = hostOf(connection.remoteAddress);
    const ofHost = this.#byHost.get(host) ?? 0;
    const refusal = this.#isDraining
      ? 'the broker is stopping'
      : this.#open.size >= config['max.connections']
        ? `max.connections (${config['max.connections']}) is reached`
        : ofHost >= config['max.connections.per.ip']
          ? `max.connections.per.ip (${config['max.connections.per.ip']}) is reached for ${host}`
          : undefined;
    if (refusal !== undefined) {
      this.#metrics.connectionsRefused += 1;
      this.#logger.warn(`connection refused: ${refusal}`, {
        remoteAddress: connection.remoteAddress,
      });
      connection.start({ onBytes() {}, onDrain() {}, onClose() {} });
      connection.destroy();
      return;
    }
    this.#counter += 1;
    const id = `${listenerName}-${this.#counter}`;
    const actor = createActor(this.#machine, { input: { id }, clock: this.#clock });
    // The network tells of the end also after the machine has come to its own.
    const tell = (event: ConnectionEvent): void => {
      if (this.#open.has(id)) actor.send(event);
    };
    const client = new ClientConnection({
      id,
      connection,
      listenerName,
      broker: this.#broker,
      handlers: this.#handlers,
      requestBytesMax: config['socket.request.max.bytes'],
      requestsInFlightMax: config['odradek.connection.max.in.flight.requests'],
      budget: this.budget,
      metrics: this.#metrics,
      clock: this.#clock,
      logger: this.#logger.child({ connection: id, remoteAddress: connection.remoteAddress }),
      events: {
        requestUnderstood: () => tell({ type: 'request.understood' }),
        endWanted: (reason) => {
          this.#logger.info(`connection is closed: ${reason}`, { connection: id });
          tell({ type: 'drain.requested', reason });
        },
        answersSent: () => tell({ type: 'answers.sent' }),
        ruleBroken: (reason) => tell({ type: 'rule.broken', reason }),
        peerClosed: () => tell({ type: 'peer.closed' }),
      },
    });
    this.#open.set(id, { client, actor, host, listenerName });
    this.#byHost.set(host, ofHost + 1);
    this.#metrics.connectionsAccepted += 1;
    actor.start();
    client.start();
  }

  /** Closes what nobody has used for `connections.max.idle.ms`. */
  closeIdle(): void {
    const idleMs = this.#broker.settings.broker['connections.max.idle.ms'];
    if (idleMs < 0) return;
    const now = this.#clock.monotonicMs();
    for (const { client, actor } of this.#open.values()) {
      if (client.requestsInFlight === 0 && now - client.lastActivityMs > idleMs) {
        actor.send({ type: 'drain.requested', reason: `idle for more than ${idleMs} ms` });
      }
    }
  }

  /** Takes no more requests; resolves when the answers owed are sent, or their time is up. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const all = [...this.#open.values()];
    for (const { actor } of all)
      actor.send({ type: 'drain.requested', reason: 'the broker is stopping' });
    await Promise.all(all.map(({ actor }) => waitFor(actor, (it) => it.status !== 'active')));
  }

  /** The broker has failed: nothing may be answered any more. */
  cutAll(reason: string): void {
    this.#isDraining = true;
    for (const { actor } of [...this.#open.values()]) actor.send({ type: 'rule.broken', reason });
  }

  #provide(): typeof clientConnectionMachine {
    const clientOf = (id: string): ClientConnection | undefined => this.#open.get(id)?.client;
    return clientConnectionMachine.provide({
      actions: {
        stopReading: (_, { id }) => clientOf(id)?.stopReading(),
        closeGently: (_, { id }) => clientOf(id)?.closeGently(),
        cutOff: (_, { id, reason }) => {
          this.#logger.warn(`connection closed: ${reason}`, { connection: id });
          clientOf(id)?.cutOff();
        },
        release: (_, { id }) => this.#release(id),
      },
    });
  }

  #release(id: string): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    const left = (this.#byHost.get(open.host) ?? 1) - 1;
    if (left === 0) this.#byHost.delete(open.host);
    else this.#byHost.set(open.host, left);
    open.client.release();
  }
}
