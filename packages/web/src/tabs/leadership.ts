/** The shell of leadership.machine.ts, in a worker: the lock, the heartbeats, and the broker that runs while this worker leads. */
import type { Clock, Connection, TimerHandle } from '@odradek/ports';
import { connectPort } from '@odradek/transport/message-port';
import { createActor, fromCallback, fromPromise } from 'xstate';
import type { Actor } from 'xstate';
import { asPort } from './broadcast-port.ts';
import { HEARTBEAT_MS, SILENCE_MS_MAX, tabNames } from './control.ts';
import type { ControlMessage, TabNames } from './control.ts';
import { leadershipMachine } from './leadership.machine.ts';
import type { LeadershipEvent } from './leadership.machine.ts';

/** What runs while this worker leads. */
export interface LedHost {
  /** Higher than every leader's before: kept with the data. */
  readonly epoch: number;
  accept(connection: Connection): void;
  stop(): Promise<void>;
}

export interface LeadershipOptions {
  /** Of the bus: tabs with the same name share one. */
  readonly name: string;
  readonly clock: Clock;
  /** `failed` is called when it cannot go on. */
  start(failed: (error: unknown) => void): Promise<LedHost>;
}

/** How long an answer to "who leads?" may take of somebody who lives. */
const ANSWER_MS = 500;

export class Leadership {
  readonly actor: Actor<typeof leadershipMachine>;
  readonly #names: TabNames;
  readonly #clock: Clock;
  readonly #control: BroadcastChannel;
  readonly #start: LeadershipOptions['start'];
  #heardAtMs: number;
  #host: LedHost | undefined;
  #releaseLock: (() => void) | undefined;
  #queue: AbortController | undefined;

  constructor({ name, clock, start }: LeadershipOptions) {
    this.#names = tabNames(name);
    this.#clock = clock;
    this.#start = start;
    this.#heardAtMs = clock.monotonicMs();
    this.#control = new BroadcastChannel(this.#names.control);
    this.#control.addEventListener('message', ({ data }) => this.#hear(data as ControlMessage));
    const logic = leadershipMachine.provide({
      actions: {
        queueForLock: () => this.#queueForLock(),
        leaveQueue: () => this.#queue?.abort(),
        releaseLock: () => this.#releaseLock?.(),
        tellResigned: ({ context }) => {
          if (context.epoch !== undefined) this.#say({ type: 'resigned', epoch: context.epoch });
        },
      },
      actors: {
        listen: fromCallback(({ sendBack }) => this.#listen(sendBack)),
        suspect: fromPromise(() => this.#suspect()),
        steal: fromPromise(() => this.#steal()),
        startHost: fromPromise(() => this.#startHost()),
        beat: fromCallback(() => this.#beat()),
        stopHost: fromPromise(() => this.#stopHost()),
      },
    });
    this.actor = createActor(logic, { clock }).start();
    this.actor.subscribe({ complete: () => this.#control.close() });
  }

  /** Resolves when it neither leads nor waits to. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.actor.getSnapshot().status !== 'active') return resolve();
      this.actor.subscribe({ complete: () => resolve() });
      this.actor.send({ type: 'close.requested' });
    });
  }

  #tell(event: LeadershipEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.send(event);
  }

  #say(message: ControlMessage): void {
    this.#control.postMessage(message);
  }

  #hear(message: ControlMessage): void {
    const { context, status } = this.actor.getSnapshot();
    if (status !== 'active') return;
    if (message.type === 'leading') this.#heardAtMs = this.#clock.monotonicMs();
    if (context.epoch === undefined) return;
    if (message.type === 'whoLeads') this.#say({ type: 'leading', epoch: context.epoch });
    if (message.type === 'connect' && message.epoch === context.epoch) this.#accept(message);
  }

  #accept({ connection: id, presence }: Extract<ControlMessage, { type: 'connect' }>): void {
    const connection = connectPort(asPort(new BroadcastChannel(this.#names.connection(id))), {
      clock: this.#clock,
      remoteAddress: `tab ${presence}`,
    });
    this.#host!.accept(connection);
    // Free when the tab is gone, however it went.
    void navigator.locks
      .request(this.#names.presence(presence), { mode: 'shared' }, () => connection.destroy())
      .catch(() => {});
    this.#say({ type: 'accepted', connection: id });
  }

  #queueForLock(): void {
    if (this.#queue !== undefined && !this.#queue.signal.aborted) return;
    const queue = new AbortController();
    this.#queue = queue;
    this.#hold(
      () => {
        if (this.#queue === queue) this.#queue = undefined;
        this.#tell({ type: 'lock.granted' });
      },
      { signal: queue.signal },
    );
  }

  #steal(): Promise<void> {
    return new Promise((resolve) => this.#hold(resolve, { steal: true }));
  }

  /** Until `releaseLock`, or until somebody steals it. */
  #hold(granted: () => void, options: { signal?: AbortSignal; steal?: boolean }): void {
    let isHeld = false;
    navigator.locks
      .request(this.#names.leaderLock, options, () => {
        isHeld = true;
        granted();
        return new Promise<void>((release) => (this.#releaseLock = release));
      })
      .catch(() => {
        if (isHeld) this.#tell({ type: 'lock.stolen' });
      });
  }

  /** A worker that was frozen itself has heard nothing: it begins to listen anew. */
  #listen(sendBack: (event: LeadershipEvent) => void): () => void {
    this.#heardAtMs = this.#clock.monotonicMs();
    let lastMs = this.#heardAtMs;
    let timer: TimerHandle;
    const look = (): void => {
      const nowMs = this.#clock.monotonicMs();
      if (nowMs - lastMs > 2 * HEARTBEAT_MS) this.#heardAtMs = nowMs;
      lastMs = nowMs;
      if (nowMs - this.#heardAtMs > SILENCE_MS_MAX) sendBack({ type: 'leader.silent' });
      timer = this.#clock.setTimeout(look, HEARTBEAT_MS);
    };
    timer = this.#clock.setTimeout(look, HEARTBEAT_MS);
    return () => this.#clock.clearTimeout(timer);
  }

  /** Of all that wait one decides, and asks once more before it does. */
  async #suspect(): Promise<boolean> {
    return navigator.locks.request(
      this.#names.stealLock,
      { ifAvailable: true },
      async (lock): Promise<boolean> => {
        if (lock === null) return false;
        const beforeMs = this.#heardAtMs;
        this.#say({ type: 'whoLeads' });
        await new Promise<void>((resolve) => void this.#clock.setTimeout(resolve, ANSWER_MS));
        return this.#heardAtMs === beforeMs;
      },
    );
  }

  async #startHost(): Promise<number> {
    const host = await this.#start((error) => this.#tell({ type: 'host.failed', error }));
    this.#host = host;
    return host.epoch;
  }

  #beat(): () => void {
    let timer: TimerHandle;
    const beat = (): void => {
      this.#say({ type: 'leading', epoch: this.#host!.epoch });
      timer = this.#clock.setTimeout(beat, HEARTBEAT_MS);
    };
    // The snapshot that says so is not there yet.
    timer = this.#clock.setTimeout(beat, 0);
    return () => this.#clock.clearTimeout(timer);
  }

  async #stopHost(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    await host?.stop();
  }
}
