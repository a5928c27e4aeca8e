/**
 * The way from a tab to the worker that leads, as a `Dial`: whatever address is asked for, it leads there. When somebody else leads, or nobody is heard, every
 * connection is ended at once, and the client above opens new ones.
 */
import { TransportError } from '@odradek/ports';
import type { AbortSignalLike, Clock, Connection, Dial, TimerHandle } from '@odradek/ports';
import { connectPort } from '@odradek/transport/message-port';
import { asPort } from './broadcast-port.ts';
import { HEARTBEAT_MS, SILENCE_MS_MAX, tabNames } from './control.ts';
import type { ControlMessage, TabNames } from './control.ts';

export interface LeaderDialOptions {
  readonly name: string;
  readonly clock: Clock;
}

/** How long a leader may take to be elected and to answer. */
const LEADER_WAIT_MS = 10_000;
const ANSWER_MS = 1_000;

interface Waiting {
  readonly epoch: number;
  readonly accepted: () => void;
  readonly failed: (error: TransportError) => void;
}

export class LeaderDial {
  readonly #names: TabNames;
  readonly #clock: Clock;
  readonly #control: BroadcastChannel;
  readonly #presence = crypto.randomUUID();
  readonly #open = new Map<Connection, number>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #listeners = new Set<() => void>();
  #highestEpoch = 0;
  #epoch: number | undefined;
  #heardAtMs: number;
  #timer: TimerHandle | undefined;
  #leave: () => void = () => {};

  constructor({ name, clock }: LeaderDialOptions) {
    this.#names = tabNames(name);
    this.#clock = clock;
    this.#heardAtMs = clock.monotonicMs();
    this.#control = new BroadcastChannel(this.#names.control);
    this.#control.addEventListener('message', ({ data }) => this.#hear(data as ControlMessage));
    void navigator.locks.request(
      this.#names.presence(this.#presence),
      () => new Promise<void>((resolve) => (this.#leave = resolve)),
    );
    this.#control.postMessage({ type: 'whoLeads' } satisfies ControlMessage);
    this.#watch();
  }

  /** Undefined while nobody leads, as far as is known here. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  /** Called when somebody else leads, or nobody. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  readonly dial: Dial = async (_endpoint, signal) => {
    const epoch = await this.#leader(signal);
    const id = crypto.randomUUID();
    const channel = new BroadcastChannel(this.#names.connection(id));
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.set(id, { epoch, accepted: resolve, failed: reject });
        this.#clock.setTimeout(
          () => reject(new TransportError('The leading tab did not answer.')),
          ANSWER_MS,
        );
        this.#control.postMessage({
          type: 'connect',
          epoch,
          connection: id,
          presence: this.#presence,
        } satisfies ControlMessage);
      });
    } catch (error) {
      channel.close();
      throw error;
    } finally {
      this.#waiting.delete(id);
    }
    const connection = connectPort(asPort(channel), {
      clock: this.#clock,
      remoteAddress: `leader ${epoch}`,
    });
    this.#open.set(connection, epoch);
    return this.#forgetting(connection);
  };

  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#end(() => true, 'this tab is done');
    this.#control.close();
    this.#leave();
  }

  #hear(message: ControlMessage): void {
    switch (message.type) {
      case 'leading':
        // A leader of old that does not know it yet.
        if (message.epoch < this.#highestEpoch) return;
        this.#heardAtMs = this.#clock.monotonicMs();
        if (message.epoch === this.#epoch) return;
        this.#highestEpoch = message.epoch;
        this.#epoch = message.epoch;
        this.#end((epoch) => epoch < message.epoch, 'another tab leads now');
        return this.#changed();
      case 'resigned':
        if (message.epoch === this.#epoch) this.#lost('the leading tab has stopped');
        return;
      case 'accepted':
        return this.#waiting.get(message.connection)?.accepted();
      default:
    }
  }

  #lost(reason: string): void {
    this.#epoch = undefined;
    this.#end(() => true, reason);
    this.#changed();
  }

  #end(isConcerned: (epoch: number) => boolean, reason: string): void {
    for (const { epoch, failed } of this.#waiting.values())
      if (isConcerned(epoch)) failed(new TransportError(`Not connected: ${reason}.`));
    for (const [connection, epoch] of this.#open) {
      if (!isConcerned(epoch)) continue;
      this.#open.delete(connection);
      connection.destroy();
    }
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** A page's timers are late while it is hidden: silence counts only while it can hear. */
  #watch(): void {
    let lastMs = this.#clock.monotonicMs();
    const look = (): void => {
      const nowMs = this.#clock.monotonicMs();
      if (nowMs - lastMs > 3 * HEARTBEAT_MS) this.#heardAtMs = nowMs;
      lastMs = nowMs;
      if (this.#epoch !== undefined && nowMs - this.#heardAtMs > SILENCE_MS_MAX)
        this.#lost('the leading tab is silent');
      this.#timer = this.#clock.setTimeout(look, HEARTBEAT_MS);
    };
    this.#timer = this.#clock.setTimeout(look, HEARTBEAT_MS);
  }

  #leader(signal: AbortSignalLike | undefined): Promise<number> {
    if (this.#epoch !== undefined) return Promise.resolve(this.#epoch);
    this.#control.postMessage({ type: 'whoLeads' } satisfies ControlMessage);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        unsubscribe();
        this.#clock.clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        end();
        reject(new TransportError('Connecting was given up.', { cause: signal?.reason }));
      };
      const timer = this.#clock.setTimeout(() => {
        end();
        reject(new TransportError(`No tab leads: none said so in ${LEADER_WAIT_MS} ms.`));
      }, LEADER_WAIT_MS);
      const unsubscribe = this.subscribe(() => {
        if (this.#epoch === undefined) return;
        end();
        resolve(this.#epoch);
      });
      signal?.addEventListener('abort', abort);
    });
  }

  /** The same connection, forgotten here when it is closed. */
  #forgetting(connection: Connection): Connection {
    const start = connection.start.bind(connection);
    connection.start = (handler) =>
      start({
        onBytes: (chunk, owned) => handler.onBytes(chunk, owned),
        onDrain: () => handler.onDrain(),
        onClose: (cause) => {
          this.#open.delete(connection);
          handler.onClose(cause);
        },
      });
    return connection;
  }
}
