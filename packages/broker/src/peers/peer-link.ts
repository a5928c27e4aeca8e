/**
 * Asks one other member, over a channel that is dialled when it is first needed and again when it was lost. A question waits
 * for the channel as long as its own time allows; one that was sent is never sent again here, since it may have been heard.
 */
import type {
  AbortSignalLike,
  Clock,
  Connection,
  Dial,
  Endpoint,
  Random,
  TimerHandle,
} from '@odradek/ports';
import type { Body, Input, Message, NodeId } from '@odradek/protocol';
import { createActor, fromPromise, type ActorRefFrom } from 'xstate';
import {
  NotAskedError,
  PeerChannel,
  PeerError,
  StrangerError,
  type PeerApi,
  type PeerChannelOptions,
} from './peer-channel.ts';
import { peerLinkMachine } from './peer-link.machine.ts';

export const PEER_BACKOFF_MS_MIN = 50;
export const PEER_BACKOFF_MS_MAX = 2_000;
/** Questions that wait for a channel; the next one is refused. */
export const PEER_WAITERS_MAX = 1_024;

export interface PeerLinkOptions extends Omit<PeerChannelOptions, 'connection' | 'expected'> {
  readonly nodeId: NodeId;
  readonly dial: Dial;
  readonly random: Random;
  /** Undefined while it is not known: questions wait for it. */
  readonly address: () => Endpoint | undefined;
  readonly onLost?: () => void;
  /** They do not belong together: for people, who alone can help. */
  readonly onRefused?: (reason: string) => void;
}

interface Waiter {
  readonly timer: TimerHandle;
  go(channel: PeerChannel): void;
  fail(error: PeerError): void;
}

export class PeerLink {
  readonly nodeId: NodeId;
  readonly #options: PeerLinkOptions;
  readonly #clock: Clock;
  readonly #actor: ActorRefFrom<typeof peerLinkMachine>;
  readonly #waiters = new Set<Waiter>();
  #connection: Connection | undefined;
  #channel: PeerChannel | undefined;
  #refusal: { readonly reason: string; readonly sinceMs: number } | undefined;

  constructor(options: PeerLinkOptions) {
    this.nodeId = options.nodeId;
    this.#options = options;
    this.#clock = options.clock;
    this.#actor = createActor(
      peerLinkMachine.provide({
        actors: {
          dial: fromPromise(({ signal }) => this.#dial(signal)),
          greet: fromPromise(() => this.#greet()),
        },
        actions: {
          tellUp: () => this.#tellUp(),
          tellDown: (_, { reason }) => this.#tellDown(reason),
          tellLost: () => options.onLost?.(),
          hangUp: () => this.#hangUp(),
        },
        delays: { backoff: ({ context }) => this.#backoffMs(context.failures) },
      }),
      { input: { nodeId: options.nodeId }, clock: options.clock },
    );
    this.#actor.start();
  }

  get isUp(): boolean {
    return this.#actor.getSnapshot().hasTag('isUp');
  }

  /** "up", "backingOff", and why there is no channel; for metrics and people. */
  get state(): { readonly state: string; readonly reason: string | null } {
    const { value, context } = this.#actor.getSnapshot();
    return { state: String(value), reason: context.reason };
  }

  /** Why one of the two does not belong to the other's cluster, and since when; undefined once they have met. */
  get refusal(): { readonly reason: string; readonly sinceMs: number } | undefined {
    return this.#refusal;
  }

  /** Rejects with PeerError after `timeoutMs` at the latest. */
  async ask<Request extends Message, Response extends Message>(
    api: PeerApi<Request, Response>,
    body: Input<Request>,
    timeoutMs: number,
  ): Promise<Body<Response>> {
    const startedAtMs = this.#clock.monotonicMs();
    const channel = this.#channel?.isUp === true ? this.#channel : await this.#wanted(timeoutMs);
    const leftMs = Math.max(1, timeoutMs - (this.#clock.monotonicMs() - startedAtMs));
    return channel.ask(api, body, leftMs);
  }

  /** It may be reached elsewhere now. */
  readdress(): void {
    this.#actor.send({ type: 'address.changed' });
  }

  close(): void {
    this.#actor.send({ type: 'close.requested' });
  }

  #wanted(timeoutMs: number): Promise<PeerChannel> {
    const { state, reason } = this.state;
    if (state === 'closed' || state === 'backingOff' || this.#waiters.size >= PEER_WAITERS_MAX)
      return Promise.reject(
        new NotAskedError(
          `node ${this.nodeId} is not connected: ${reason ?? 'too many wait for it'}`,
        ),
      );
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(
          new NotAskedError(`node ${this.nodeId} could not be reached within ${timeoutMs} ms`),
        );
      }, timeoutMs);
      const waiter: Waiter = { timer, go: resolve, fail: reject };
      this.#waiters.add(waiter);
      this.#actor.send({ type: 'peer.wanted' });
    });
  }

  async #dial(signal: AbortSignalLike): Promise<void> {
    const address = this.#options.address();
    if (address === undefined) throw new PeerError(`the address of node ${this.nodeId} is unknown`);
    this.#connection = await this.#options.dial(address, signal);
  }

  async #greet(): Promise<void> {
    const connection = this.#connection!;
    const channel = new PeerChannel({ ...this.#options, connection, expected: this.nodeId });
    this.#channel = channel;
    try {
      await channel.ready;
      this.#refusal = undefined;
    } catch (error) {
      if (error instanceof StrangerError) this.#refused(error.message);
      throw error;
    }
    void channel.closed.then((reason) => {
      if (this.#channel === channel) this.#actor.send({ type: 'channel.closed', reason });
    });
  }

  #refused(reason: string): void {
    const isNews = this.#refusal?.reason !== reason;
    this.#refusal = {
      reason,
      sinceMs: this.#refusal?.sinceMs ?? this.#clock.monotonicMs(),
    };
    if (isNews) this.#options.onRefused?.(reason);
  }

  #tellUp(): void {
    const channel = this.#channel!;
    for (const waiter of this.#take()) waiter.go(channel);
  }

  #tellDown(reason: string | null): void {
    const why = `node ${this.nodeId} is not connected: ${reason ?? 'unknown'}`;
    for (const waiter of this.#take()) waiter.fail(new NotAskedError(why));
  }

  #take(): readonly Waiter[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const { timer } of waiters) this.#clock.clearTimeout(timer);
    return waiters;
  }

  #hangUp(): void {
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.close('the broker stops or dials anew');
  }

  /** Exponential, with jitter, so that those who lost the same peer do not come back together. */
  #backoffMs(failures: number): number {
    const longestMs = Math.min(PEER_BACKOFF_MS_MAX, PEER_BACKOFF_MS_MIN * 2 ** (failures - 1));
    return longestMs / 2 + (this.#options.random.uint32() % 1_000) * (longestMs / 2_000);
  }
}
