/**
 * The session of a client: opened when something is first to be bound to it, kept alive, and told about. What one life of it holds is
 * asked of that life (`LiveSession`): after it is lost the next one is another.
 */
import type { AbortSignalLike } from '@odradek/ports';
import { ErrorCode } from '@odradek/protocol';
import { createActor, fromPromise } from 'xstate';
import type { ActorRefFrom } from 'xstate';
import type { Cluster } from '../cluster.ts';
import { ClientClosed } from '../errors.ts';
import { abortable, backoffMs, withRetries } from '../retry.ts';
import {
  closeTreeSessionApi,
  openTreeSessionApi,
  renewTreeSessionApi,
} from './coordination-api.ts';
import { Lane } from './lane.ts';
import { sessionMachine } from './session.machine.ts';
import type { Lease } from './session.machine.ts';
import { SessionLost } from './tree-errors.ts';
import { check } from './tree-wire.ts';

/** ZooKeeper's clients ask for as much, or more. */
const SESSION_TIMEOUT_MS = 10_000;
/** One attempt to open or to close; a renewal has a third of the session's timeout. */
const ATTEMPT_MS = 5_000;
const RENEWAL_RETRY = { timeoutMs: 0, backoffMs: 50, backoffMaxMs: 500 };

export interface SessionOptions {
  /** How long the cluster may hear nothing before the session ends. Granted within the cluster's limits. */
  readonly sessionTimeoutMs?: number;
}

/**
 * none: nothing has asked for a session yet. suspended: nobody could be reached, and it may live on or not. lost: it has ended, with
 * all that was bound to it.
 */
export type SessionStatus =
  | 'none'
  | 'opening'
  | 'refused'
  | 'connected'
  | 'suspended'
  | 'lost'
  | 'closing'
  | 'closed';

export interface SessionSnapshot {
  readonly status: SessionStatus;
  readonly sessionId: number | undefined;
  readonly timeoutMs: number | undefined;
  /** Why it is not connected. */
  readonly reason: string | undefined;
}

/** One life of a session. */
export interface LiveSession {
  readonly id: number;
  /** At this very moment, by this host's clock. */
  readonly isAlive: boolean;
  /** Called once; soon if it is over already. */
  onEnd(ended: (error: SessionLost | ClientClosed) => void): () => void;
}

export class Session {
  readonly #cluster: Cluster;
  readonly #lane: Lane;
  readonly #wantedMs: number;
  readonly #actor: ActorRefFrom<typeof sessionMachine>;
  readonly #listeners = new Set<(snapshot: SessionSnapshot) => void>();
  #snapshot: SessionSnapshot;
  #openingError: unknown;
  #renewalFailures = 0;

  constructor(cluster: Cluster, { sessionTimeoutMs = SESSION_TIMEOUT_MS }: SessionOptions = {}) {
    this.#cluster = cluster;
    this.#lane = new Lane(cluster, 'tree-session');
    this.#wantedMs = sessionTimeoutMs;
    const { clock } = cluster.host;
    this.#actor = createActor(this.#machine(), { clock });
    this.#snapshot = this.#take();
    this.#actor.subscribe({ next: () => this.#changed(), complete: () => this.#changed() });
    this.#actor.start();
  }

  /** The same object until something changes. */
  readonly getSnapshot = (): SessionSnapshot => this.#snapshot;

  readonly subscribe = (listener: (snapshot: SessionSnapshot) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The session that is open, or a new one. Rejects when none can be opened. */
  wanted(signal?: AbortSignalLike): Promise<LiveSession> {
    this.#tell('session.wanted');
    const opened = new Promise<LiveSession>((resolve, reject) => {
      const look = ({ status, reason }: SessionSnapshot): boolean => {
        if (status === 'connected' || status === 'suspended') resolve(this.#live());
        else if (status === 'opening') return false;
        else if (status === 'closing' || status === 'closed')
          reject(new ClientClosed('the coordination was closed'));
        else reject(this.#openingError ?? new SessionLost(reason ?? 'no session could be opened'));
        return true;
      };
      if (look(this.#snapshot)) return;
      const unsubscribe = this.subscribe((snapshot) => {
        if (look(snapshot)) unsubscribe();
      });
    });
    return abortable(opened, signal);
  }

  /** Ends the session, if there is one, and with it all that is bound to it. */
  async close(): Promise<void> {
    this.#tell('close.requested');
    if (this.#snapshot.status !== 'closed')
      await new Promise<void>((resolve) => {
        const unsubscribe = this.subscribe(({ status }) => {
          if (status !== 'closed') return;
          unsubscribe();
          resolve();
        });
      });
    this.#lane.close();
  }

  #machine(): typeof sessionMachine {
    const { host } = this.#cluster;
    return sessionMachine.provide({
      delays: {
        leaseEnd: ({ context }) =>
          Math.max(0, (context.lease?.endsAtMs ?? 0) - host.clock.monotonicMs()),
        retryPause: () => backoffMs(host, RENEWAL_RETRY, this.#renewalFailures++),
      },
      actors: {
        openSession: fromPromise(() => this.#open()),
        renewSession: fromPromise(({ input }) => this.#renew(input!)),
        closeSession: fromPromise(({ input }) => this.#end(input)),
      },
    });
  }

  async #open(): Promise<Lease> {
    const { host, retry } = this.#cluster;
    try {
      return await withRetries(host, retry, async () => {
        const seat = await this.#lane.connect(ATTEMPT_MS);
        const sentAtMs = host.clock.monotonicMs();
        const body = { timeoutMs: this.#wantedMs };
        const answer = await this.#lane.request(seat, openTreeSessionApi, body, ATTEMPT_MS);
        check(this.#lane, seat, 'OpenTreeSession', answer);
        const { sessionId, timeoutMs } = answer;
        return { sessionId, timeoutMs, endsAtMs: sentAtMs + timeoutMs };
      });
    } catch (error) {
      this.#openingError = error;
      throw error;
    }
  }

  /** The lease begins when the request leaves, and not when it is answered. */
  async #renew({ sessionId, timeoutMs }: Lease): Promise<Lease> {
    const attemptMs = timeoutMs / 3;
    const seat = await this.#lane.connect(attemptMs);
    const sentAtMs = this.#cluster.host.clock.monotonicMs();
    const answer = await this.#lane.request(seat, renewTreeSessionApi, { sessionId }, attemptMs);
    if (answer.errorCode === ErrorCode.UNKNOWN_MEMBER_ID)
      throw new SessionLost(`session ${sessionId} has ended`);
    check(this.#lane, seat, 'RenewTreeSession', answer);
    this.#renewalFailures = 0;
    return { sessionId, timeoutMs, endsAtMs: sentAtMs + timeoutMs };
  }

  async #end(lease: Lease | undefined): Promise<void> {
    if (lease === undefined) return;
    const { host } = this.#cluster;
    const leftMs = lease.endsAtMs - host.clock.monotonicMs();
    const { sessionId } = lease;
    await withRetries(host, { ...this.#cluster.retry, timeoutMs: leftMs }, async () => {
      const attemptMs = Math.max(
        1,
        Math.min(ATTEMPT_MS, lease.endsAtMs - host.clock.monotonicMs()),
      );
      const seat = await this.#lane.connect(attemptMs);
      const answer = await this.#lane.request(seat, closeTreeSessionApi, { sessionId }, attemptMs);
      if (answer.errorCode !== ErrorCode.UNKNOWN_MEMBER_ID)
        check(this.#lane, seat, 'CloseTreeSession', answer);
    }).catch((error: unknown) => {
      // It ends by itself when its timeout is over.
      if (!(error instanceof Error)) throw error;
    });
  }

  #tell(type: 'session.wanted' | 'close.requested'): void {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send({ type });
  }

  #changed(): void {
    const next = this.#take();
    const { status, sessionId, reason } = this.#snapshot;
    if (next.status === status && next.sessionId === sessionId && next.reason === reason) return;
    this.#snapshot = next;
    for (const listener of [...this.#listeners]) listener(next);
  }

  #take(): SessionSnapshot {
    const { value, context } = this.#actor.getSnapshot();
    return {
      status: statusOf(value, context.reason),
      sessionId: context.lease?.sessionId,
      timeoutMs: context.lease?.timeoutMs,
      reason: context.reason,
    };
  }

  #live(): LiveSession {
    const { clock } = this.#cluster.host;
    const { sessionId: id = -1 } = this.#snapshot;
    const isAlive = (): boolean => {
      const { lease } = this.#actor.getSnapshot().context;
      return endOf(id, this.#snapshot) === undefined && clock.monotonicMs() < lease!.endsAtMs;
    };
    return {
      id,
      get isAlive() {
        return isAlive();
      },
      onEnd: (ended) => {
        let isTold = false;
        const look = (): void => {
          const error = endOf(id, this.#snapshot);
          if (error === undefined || isTold) return;
          forget();
          ended(error);
        };
        const unsubscribe = this.subscribe(look);
        const forget = (): void => {
          isTold = true;
          unsubscribe();
        };
        // Not within the call: whoever asks is not ready yet.
        void Promise.resolve().then(look);
        return forget;
      },
    };
  }
}

/** Why the session of this id is none any more. */
function endOf(
  id: number,
  { status, sessionId, reason }: SessionSnapshot,
): SessionLost | ClientClosed | undefined {
  if (status === 'closed' || status === 'closing')
    return new ClientClosed('the coordination was closed');
  if (sessionId === id && (status === 'connected' || status === 'suspended')) return undefined;
  return new SessionLost(reason ?? `session ${id} has ended`);
}

function statusOf(value: unknown, reason: string | undefined): SessionStatus {
  if (typeof value === 'string') return value as SessionStatus;
  return reason === undefined ? 'connected' : 'suspended';
}
