/**
 * What only the acting controller knows of the brokers, and forgets when another takes over: when each was last heard of, and
 * how far it has read the metadata log. By monotonic time alone: a clock that jumps fences nobody.
 *
 * A link that breaks is a hint, not a proof: the broker has a short time left to be heard of by another one.
 */
import type { Clock } from '@odradek/ports';
import type { NodeId, Offset } from '@odradek/protocol';
import type { MetadataImage } from '../metadata/image.ts';

export interface HeartbeatTimes {
  /** `broker.session.timeout.ms` */
  readonly sessionTimeoutMs: number;
  /** After its link broke; at most the session's. */
  readonly linkLossTimeoutMs: number;
}

interface Contact {
  deadlineMs: number;
  /** By this controller. */
  isHeard: boolean;
  /** Of its registration. */
  registeredAt: number;
  /** It has read the metadata log up to there. */
  metadataOffset: number;
  /** Where its leaderships were moved, once it is about to stop. */
  shutdownAt: number | null;
}

export class BrokerHeartbeats {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #times: () => HeartbeatTimes;
  readonly #contacts = new Map<NodeId, Contact>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, times: () => HeartbeatTimes) {
    this.#clock = clock;
    this.#times = times;
  }

  /**
   * A controller that has just become active knows nothing: everybody who is not fenced has one session's time. Those who are
   * may have registered with the one before, and wait to be let in: they are heard from their next heartbeat on.
   */
  begin(image: MetadataImage, metadataOffset: Offset): void {
    this.#contacts.clear();
    for (const { nodeId, fenced } of image.brokers.values()) {
      this.registered(nodeId, metadataOffset);
      const contact = this.#contacts.get(nodeId)!;
      contact.isHeard = false;
      if (fenced) contact.deadlineMs = -Infinity;
    }
  }

  registered(node: NodeId, registeredAt: Offset): void {
    this.#contacts.set(node, {
      deadlineMs: this.#clock.monotonicMs() + this.#times().sessionTimeoutMs,
      isHeard: true,
      registeredAt,
      metadataOffset: -1,
      shutdownAt: null,
    });
  }

  touched(node: NodeId, metadataOffset: number): void {
    const contact = this.#contacts.get(node);
    if (contact === undefined) return;
    contact.deadlineMs = this.#clock.monotonicMs() + this.#times().sessionTimeoutMs;
    contact.isHeard = true;
    contact.metadataOffset = Math.max(contact.metadataOffset, metadataOffset);
  }

  linkLost(node: NodeId): void {
    const contact = this.#contacts.get(node);
    if (contact === undefined) return;
    const soonMs = this.#clock.monotonicMs() + this.#times().linkLossTimeoutMs;
    contact.deadlineMs = Math.min(contact.deadlineMs, soonMs);
  }

  shutdownBegan(node: NodeId, at: Offset): void {
    const contact = this.#contacts.get(node);
    if (contact !== undefined) contact.shutdownAt = at;
  }

  unregistered(node: NodeId): void {
    this.#contacts.delete(node);
  }

  isAlive(node: NodeId): boolean {
    const contact = this.#contacts.get(node);
    return contact !== undefined && contact.deadlineMs > this.#clock.monotonicMs();
  }

  /**
   * Its session is a new controller's gift, and not a sign of life. A process that registers from the same storage ends it:
   * nobody else holds that storage any more (its folder has a lock). So a cluster that was killed as a whole does not wait
   * for the sessions of the dead.
   */
  isPresumed(node: NodeId): boolean {
    return this.#contacts.get(node)?.isHeard === false;
  }

  /** Whether it has read its own registration. */
  isCaughtUp(node: NodeId): boolean {
    const contact = this.#contacts.get(node);
    // A controller that took over does not know where: then the log as it was is far enough.
    return contact !== undefined && contact.metadataOffset >= contact.registeredAt;
  }

  /** Whether everybody who is alive has read that it leads nothing any more. */
  isShutdownKnown(node: NodeId): boolean {
    const shutdownAt = this.#contacts.get(node)?.shutdownAt ?? null;
    if (shutdownAt === null) return true;
    for (const [other, contact] of this.#contacts) {
      if (this.isAlive(other) && contact.metadataOffset < shutdownAt) return false;
    }
    return true;
  }

  /** Those whose session has ended, and who are not fenced yet. */
  expired(image: MetadataImage): readonly NodeId[] {
    return [...image.brokers.values()]
      .filter((it) => !it.fenced && !this.isAlive(it.nodeId))
      .map((it) => it.nodeId);
  }

  /** When the next session ends, if nothing is heard until then. */
  nextDeadlineMs(image: MetadataImage): number {
    let next = Infinity;
    for (const [node, { deadlineMs }] of this.#contacts) {
      if (image.brokers.get(node)?.fenced === false) next = Math.min(next, deadlineMs);
    }
    return next;
  }
}
