/**
 * The other members of the cluster: those that this one dials, and those that have dialled it. A question goes over the own
 * way where there is an address, and else over the channel by which the other has come: a broker in a browser can only be
 * asked that way.
 */
import type { Clock, Connection, Dial, Endpoint, Logger, Random } from '@odradek/ports';
import type { Body, Input, Message, NodeId } from '@odradek/protocol';
import type { Hello } from './hello.ts';
import { NotAskedError, PeerChannel, type AnswerPeer, type PeerApi } from './peer-channel.ts';
import { PeerLink } from './peer-link.ts';

/** Members of a cluster that one member may have channels with. */
export const PEERS_MAX = 1_000;

export interface PeersOptions {
  readonly self: () => Hello;
  readonly dial: Dial;
  readonly address: (nodeId: NodeId) => Endpoint | undefined;
  readonly answer: AnswerPeer;
  /** A link that was up has ended: the node may be gone. */
  readonly onLost?: (nodeId: NodeId) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #links = new Map<NodeId, PeerLink>();
  readonly #incoming = new Set<PeerChannel>();
  #isClosed = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** A member has dialled. Who it is, it has yet to say. */
  accept(connection: Connection): void {
    if (this.#isClosed || this.#incoming.size >= PEERS_MAX) return connection.destroy();
    const { self, clock, answer, logger } = this.#options;
    const channel = new PeerChannel({
      connection,
      self,
      expected: undefined,
      clock,
      answer,
      onDefect: this.#onDefect,
    });
    this.#incoming.add(channel);
    void channel.closed.then((reason) => {
      this.#incoming.delete(channel);
      const from = channel.other?.nodeId;
      // A second process under its number, which was sent away, does not speak for the first.
      if (from !== undefined && this.#incomingOf(from) === undefined) this.#options.onLost?.(from);
      if (channel.other === undefined)
        logger.warn('a peer was refused', { peer: connection.remoteAddress, reason });
      else logger.debug('a peer has left', { node: channel.other.nodeId, reason });
    });
  }

  /** Rejects with PeerError when there is no answer in time. */
  ask<Request extends Message, Response extends Message>(
    to: NodeId,
    api: PeerApi<Request, Response>,
    body: Input<Request>,
    timeoutMs: number,
  ): Promise<Body<Response>> {
    if (this.#isClosed) return Promise.reject(new NotAskedError('the broker stops'));
    if (this.#options.address(to) === undefined) {
      const channel = this.#incomingOf(to);
      if (channel !== undefined) return channel.ask(api, body, timeoutMs);
    }
    return this.#linkTo(to).ask(api, body, timeoutMs);
  }

  /** Where members are may have changed. */
  readdress(nodeId: NodeId): void {
    this.#links.get(nodeId)?.readdress();
  }

  /** Every way that was used, for metrics and people. */
  states(): readonly {
    readonly nodeId: NodeId;
    readonly state: string;
    readonly reason: string | null;
  }[] {
    return [...this.#links.values()].map((link) => ({ nodeId: link.nodeId, ...link.state }));
  }

  /** Members that were asked and could not be reached, or whose link was lost and not made anew. */
  unreachable(): readonly NodeId[] {
    return [...this.#links.values()].filter((it) => !it.isUp).map((it) => it.nodeId);
  }

  /** Members with which it has not been possible to agree on who belongs together, for so long. */
  strangers(forMs: number): readonly { readonly nodeId: NodeId; readonly reason: string }[] {
    const latestMs = this.#options.clock.monotonicMs() - forMs;
    return [...this.#links.values()].flatMap(({ nodeId, refusal }) =>
      refusal !== undefined && refusal.sinceMs <= latestMs
        ? [{ nodeId, reason: refusal.reason }]
        : [],
    );
  }

  close(): void {
    this.#isClosed = true;
    for (const link of this.#links.values()) link.close();
    for (const channel of this.#incoming) channel.close('the broker stops');
  }

  #incomingOf(nodeId: NodeId): PeerChannel | undefined {
    for (const channel of this.#incoming)
      if (channel.isUp && channel.other?.nodeId === nodeId) return channel;
    return undefined;
  }

  #linkTo(nodeId: NodeId): PeerLink {
    const known = this.#links.get(nodeId);
    if (known !== undefined) return known;
    const { address, onLost, ...shared } = this.#options;
    const link = new PeerLink({
      ...shared,
      nodeId,
      address: () => address(nodeId),
      onLost: () => onLost?.(nodeId),
      onRefused: (reason) => shared.logger.warn('a member was refused', { node: nodeId, reason }),
      onDefect: this.#onDefect,
    });
    this.#links.set(nodeId, link);
    return link;
  }

  readonly #onDefect = (error: unknown, request: { readonly apiKey: number }): void =>
    this.#options.logger.error('a request of a peer failed', { apiKey: request.apiKey, error });
}
