/**
 * Machines and the links between them. A link has a direction: what goes from a to b may be cut while what goes back is not.
 * Latency, jitter and loss are each link's own. Several faults may cut one link; it carries again when all of them are over.
 *
 * What is under way when a link is cut arrives; what is sent then waits with the sender, who tries again when the link
 * heals (with TCP's delay), or loses patience. A process that is killed leaves its machine to reset its connections; a machine
 * without power says nothing to anybody, until it is up again and is asked.
 */
import {
  TransportError,
  type AbortSignalLike,
  type Connection,
  type Dial,
  type Endpoint,
  type Listener,
} from '@odradek/ports';
import type { Chance } from '../chance.ts';
import type { Process } from '../time/process.ts';
import type { Scheduler } from '../time/scheduler.ts';
import { StreamEnd, type Parcel } from './connection.ts';

export interface Link {
  latencyMs: number;
  jitterMs: number;
  /** Of a parcel's being lost once; it may be lost again. */
  lossRate: number;
  /** How many faults cut it now. */
  cuts: number;
}

interface Listening {
  readonly process: Process;
  readonly onConnection: (connection: Connection) => void;
}

const LATENCY_MS = 0.2;
const JITTER_MS = 0.2;
/** TCP's first retransmission timeout (RFC 6298's floor as Linux has it), doubled at each loss. */
const RETRANSMIT_MS = 200;
const LOSSES_MAX = 6;
/** How long an end believes in a peer that does not acknowledge. */
const PATIENCE_MS_MIN = 15_000;
const PATIENCE_MS_MAX = 90_000;
const CONNECT_TIMEOUT_MS = 10_000;
const CONNECT_AGAIN_MS = 1_000;
/** One arrival in so many comes in pieces: frames may be cut anywhere. */
const CUT_UP_ONE_IN = 24;
const EPHEMERAL_PORT_FIRST = 32_768;

export class Network {
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly #links = new Map<string, Map<string, Link>>();
  readonly #listening = new Map<string, Listening>();
  readonly #machinesDown = new Set<string>();
  /** Ends that hold something back. */
  readonly #stalled = new Set<StreamEnd>();
  readonly #ends = new Map<Process, Set<StreamEnd>>();
  #nextPort = EPHEMERAL_PORT_FIRST;
  /** How many parcels were lost, held back or reset. */
  readonly counters = { parcels: 0, lost: 0, held: 0, resets: 0 };

  constructor(scheduler: Scheduler, chance: Chance) {
    this.#scheduler = scheduler;
    this.#chance = chance;
  }

  link(from: string, to: string): Link {
    let links = this.#links.get(from);
    if (links === undefined) this.#links.set(from, (links = new Map()));
    let link = links.get(to);
    if (link === undefined) {
      link = { latencyMs: LATENCY_MS, jitterMs: JITTER_MS, lossRate: 0, cuts: 0 };
      links.set(to, link);
    }
    return link;
  }

  /** Cuts these directions until the returned function is called. */
  cut(directions: readonly (readonly [from: string, to: string])[]): () => void {
    const links = directions.map(([from, to]) => this.link(from, to));
    for (const link of links) link.cuts += 1;
    return () => {
      for (const link of links) link.cuts -= 1;
      this.#release();
    };
  }

  /** All connections between the two machines, both ends told. */
  reset(one: string, other: string): void {
    for (const ends of this.#ends.values()) {
      for (const end of [...ends]) {
        const { machine } = end.process;
        const peer = end.peer.process.machine;
        if ((machine !== one || peer !== other) && (machine !== other || peer !== one)) continue;
        this.counters.resets += 1;
        end.finish(new TransportError(`the connection to ${end.remoteAddress} was reset`));
      }
    }
  }

  powerOff(machine: string): void {
    this.#machinesDown.add(machine);
  }

  powerOn(machine: string): void {
    this.#machinesDown.delete(machine);
    this.#release();
  }

  listen(
    process: Process,
    { host, port }: Endpoint,
    onConnection: (connection: Connection) => void,
  ): Listener {
    const key = `${host}:${port}`;
    if (this.#listening.get(key)?.process.isAlive === true)
      throw new TransportError(`${key} is in use`);
    this.#listening.set(key, { process, onConnection });
    const stop = (): void => {
      if (this.#listening.get(key)?.process === process) this.#listening.delete(key);
    };
    process.onEnd(stop);
    return {
      address: { host, port },
      close: async () => stop(),
    };
  }

  /** The way out of a process. */
  dialFrom(process: Process): Dial {
    return (endpoint, signal) => this.#dial(process, endpoint, signal);
  }

  #dial(process: Process, endpoint: Endpoint, signal?: AbortSignalLike): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const address = `${endpoint.host}:${endpoint.port}`;
      const deadlineMs = this.#scheduler.nowMs + CONNECT_TIMEOUT_MS;
      let isOver = false;
      const refuse = (why: string): void => {
        if (isOver) return;
        isOver = true;
        reject(new TransportError(`${address} ${why}`));
      };
      signal?.addEventListener('abort', () => refuse('is not wanted any more'));
      const there = this.link(process.machine, endpoint.host);
      const back = this.link(endpoint.host, process.machine);
      const attempt = (): void => {
        if (isOver || !process.isAlive) return;
        if (there.cuts > 0 || back.cuts > 0 || this.#machinesDown.has(endpoint.host)) {
          if (this.#scheduler.nowMs + CONNECT_AGAIN_MS >= deadlineMs) refuse('does not answer');
          else this.later(process, 'connect again', CONNECT_AGAIN_MS, attempt);
          return;
        }
        this.#scheduler.after(this.#delayOf(there), undefined, 'connect', () => {
          const backMs = this.#delayOf(back);
          const listening = this.#listening.get(address);
          if (listening === undefined || !listening.process.isAlive) {
            this.later(process, 'refused', backMs, () => refuse('refuses connections'));
            return;
          }
          if (isOver || !process.isAlive) return;
          const near = new StreamEnd(this, process, address);
          const far = new StreamEnd(
            this,
            listening.process,
            `${process.machine}:${this.#nextPort++}`,
          );
          near.peer = far;
          far.peer = near;
          this.#remember(near);
          this.#remember(far);
          this.soon(listening.process, 'accept', () => listening.onConnection(far));
          this.later(process, 'connected', backMs, () => {
            if (isOver) {
              near.destroy();
              return;
            }
            isOver = true;
            resolve(near);
          });
        });
      };
      attempt();
    });
  }

  // What follows is for the ends.

  transmit(end: StreamEnd, parcel: Parcel): void {
    const link = this.link(end.process.machine, end.peer.process.machine);
    if (end.held.length > 0 || link.cuts > 0) this.#hold(end, parcel);
    else this.#sendOff(end, parcel, link, 0);
  }

  soon(process: Process, kind: string, run: () => void): void {
    this.#scheduler.after(0, process, kind, run);
  }

  later(process: Process, kind: string, delayMs: number, run: () => void): void {
    this.#scheduler.after(delayMs, process, kind, run);
  }

  forget(end: StreamEnd): void {
    this.#stalled.delete(end);
    if (end.patience !== undefined) this.#scheduler.cancel(end.patience);
    end.patience = undefined;
    const ends = this.#ends.get(end.process);
    ends?.delete(end);
    if (ends?.size === 0) this.#ends.delete(end.process);
  }

  cutUp(bytes: Uint8Array, deliver: (piece: Uint8Array) => void): void {
    if (bytes.length < 2 || this.#chance.below(CUT_UP_ONE_IN) > 0) return deliver(bytes);
    const at = 1 + this.#chance.below(bytes.length - 1);
    deliver(bytes.slice(0, at));
    deliver(bytes.slice(at));
  }

  #remember(end: StreamEnd): void {
    let ends = this.#ends.get(end.process);
    if (ends === undefined) {
      this.#ends.set(end.process, (ends = new Set()));
      end.process.onEnd(() => this.#processEnded(end.process));
    }
    ends.add(end);
  }

  /** Its machine tells the other ends, if it is still on and they can be reached. */
  #processEnded(process: Process): void {
    const ends = [...(this.#ends.get(process) ?? [])];
    this.#ends.delete(process);
    for (const end of ends) {
      this.#stalled.delete(end);
      end.held = [];
      if (this.#machinesDown.has(process.machine)) continue;
      this.#resetByMachine(end.peer, process.machine);
    }
  }

  #resetByMachine(end: StreamEnd, machine: string): void {
    const link = this.link(machine, end.process.machine);
    if (link.cuts > 0 || end.isClosed) return;
    this.counters.resets += 1;
    this.#scheduler.after(this.#delayOf(link), undefined, 'reset', () =>
      end.finish(new TransportError(`${end.remoteAddress} reset the connection`)),
    );
  }

  #hold(end: StreamEnd, parcel: Parcel): void {
    this.counters.held += 1;
    end.held.push(parcel);
    this.#stalled.add(end);
    end.patience ??= this.#scheduler.after(
      this.#chance.between(PATIENCE_MS_MIN, PATIENCE_MS_MAX),
      end.process,
      'patience',
      () =>
        end.finish(new TransportError(`${end.remoteAddress} does not acknowledge what was sent`)),
    );
  }

  #sendOff(end: StreamEnd, parcel: Parcel, link: Link, extraMs: number): void {
    const { nowMs } = this.#scheduler;
    const atMs = Math.max(end.lastArrivalMs, nowMs + extraMs + this.#delayOf(link));
    end.lastArrivalMs = atMs;
    this.#scheduler.at(atMs, undefined, 'arrive', () => this.#arrive(end, parcel));
  }

  #arrive(from: StreamEnd, parcel: Parcel): void {
    this.counters.parcels += 1;
    const to = from.peer;
    const { trace } = this.#scheduler;
    trace.mix(to.process.id);
    if (parcel.bytes !== undefined) trace.mixBytes(parcel.bytes);
    if (this.#machinesDown.has(to.process.machine)) {
      if (!from.isClosed) this.#hold(from, parcel);
    } else if (!to.process.isAlive) this.#resetByMachine(from, to.process.machine);
    else if (!to.isClosed) to.receive(parcel);
  }

  /** What waited for a link or a machine tries again. */
  #release(): void {
    for (const end of [...this.#stalled]) {
      const link = this.link(end.process.machine, end.peer.process.machine);
      if (link.cuts > 0 || this.#machinesDown.has(end.peer.process.machine)) continue;
      this.#stalled.delete(end);
      if (end.patience !== undefined) this.#scheduler.cancel(end.patience);
      end.patience = undefined;
      const { held } = end;
      end.held = [];
      const retransmitMs = this.#chance.between(0, RETRANSMIT_MS * 8);
      for (const parcel of held) this.#sendOff(end, parcel, link, retransmitMs);
    }
  }

  #delayOf(link: Link): number {
    let delayMs = link.latencyMs + this.#chance.fraction() * link.jitterMs;
    if (link.lossRate > 0) {
      for (
        let losses = 0;
        losses < LOSSES_MAX && this.#chance.happens(link.lossRate);
        losses += 1
      ) {
        this.counters.lost += 1;
        delayMs += RETRANSMIT_MS * 2 ** losses;
      }
    }
    return delayMs;
  }
}
