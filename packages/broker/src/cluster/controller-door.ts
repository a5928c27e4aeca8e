/**
 * Asks the controller, wherever it is now: this broker's own desk, or that of the quorum's leader over a peer link. What no
 * controller has looked at is asked again until the time is up: elections take a moment, and answers of one that was deposed
 * do not count.
 */
import type { Clock } from '@odradek/ports';
import { ErrorCode, type Body, type Input, type Message, type NodeId } from '@odradek/protocol';
import { NotAskedError, PeerError, type PeerApi } from '../peers/peer-channel.ts';
import type { Peers } from '../peers/peers.ts';

/** One attempt. */
const ATTEMPT_TIMEOUT_MS = 5_000;
/** An election takes about so long; a session that has to end first, many times as long. */
const RETRY_PAUSE_MS = 50;
const RETRY_PAUSE_MS_MAX = 200;
const RETRIES_AT_FIRST_PACE = 20;

export interface ControllerDoorOptions {
  readonly nodeId: NodeId;
  /** Null while no leader is known. */
  readonly leaderId: () => NodeId | null;
  readonly peers: Pick<Peers, 'ask'>;
  readonly clock: Clock;
  /** Answers as if it had come from a peer. */
  readonly answerHere: <Request extends Message, Response extends Message>(
    api: PeerApi<Request, Response>,
    body: Input<Request>,
  ) => Promise<Body<Response>>;
}

export class ControllerDoor {
  readonly #options: ControllerDoorOptions;
  #isClosed = false;

  constructor(options: ControllerDoorOptions) {
    this.#options = options;
  }

  /** Once. Rejects with PeerError when no answer came. */
  ask<Request extends Message, Response extends Message>(
    api: PeerApi<Request, Response>,
    body: Input<Request>,
    timeoutMs = ATTEMPT_TIMEOUT_MS,
  ): Promise<Body<Response>> {
    const { nodeId, peers, answerHere } = this.#options;
    const leaderId = this.#options.leaderId();
    if (this.#isClosed) return Promise.reject(new NotAskedError('the broker stops'));
    if (leaderId === null) return Promise.reject(new NotAskedError('no controller is known'));
    return leaderId === nodeId ? answerHere(api, body) : peers.ask(leaderId, api, body, timeoutMs);
  }

  /** Until a controller has answered. Rejects with PeerError when the time is up. Only for what may be asked twice. */
  async insist<Request extends Message, Response extends Message>(
    api: PeerApi<Request, Response>,
    body: Input<Request>,
    timeoutMs: number,
    isAnswer: (answer: Body<Response>) => boolean = isFromController,
  ): Promise<Body<Response>> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + timeoutMs;
    for (let retries = 0; ; retries += 1) {
      const leftMs = endMs - clock.monotonicMs();
      let failure: unknown = new PeerError('the controller is not active yet');
      try {
        const answer = await this.ask(api, body, Math.max(1, Math.min(leftMs, ATTEMPT_TIMEOUT_MS)));
        if (isAnswer(answer)) return answer;
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
        failure = error;
      }
      const pauseMs = retries < RETRIES_AT_FIRST_PACE ? RETRY_PAUSE_MS : RETRY_PAUSE_MS_MAX;
      if (this.#isClosed || clock.monotonicMs() + pauseMs >= endMs) throw failure;
      await new Promise<void>((resolve) => clock.setTimeout(resolve, pauseMs));
    }
  }

  close(): void {
    this.#isClosed = true;
  }
}

const isFromController = (answer: unknown): boolean =>
  (answer as { readonly errorCode?: ErrorCode }).errorCode !== ErrorCode.NOT_CONTROLLER;
