/** How a broker that does not lead the quorum asks the one that does, and what its clients are told when that fails. */
import { ErrorCode, type Body, type Input, type Message } from '@odradek/protocol';
import type { QuorumMember } from '@odradek/quorum';
import { NotAskedError, PeerError, type PeerApi } from '../peers/peer-channel.ts';
import { LEADER_TIMEOUT_MS } from './limits.ts';

export interface LeaderDoor {
  /** Rejects with PeerError when no answer came, with NotAskedError when nothing was sent. */
  ask<Request extends Message, Response extends Message>(
    api: PeerApi<Request, Response>,
    body: Input<Request>,
    timeoutMs: number,
  ): Promise<Body<Response>>;
}

export interface Refusal {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string;
}

export interface LeaderQuestion<Request extends Message, Response extends Message> {
  readonly api: PeerApi<Request, Response>;
  readonly body: Input<Request>;
  readonly timeoutMs: number;
  /** Another member asks: it is not sent on a second time. */
  readonly isFromMember: boolean;
  readonly answerHere: () => Promise<Input<Response>>;
  readonly refused: (refusal: Refusal) => Input<Response>;
}

const NO_LEADER: Refusal = {
  errorCode: ErrorCode.NOT_CONTROLLER,
  errorMessage: 'the quorum has no leader at this moment: ask again',
};

export async function askLeader<Request extends Message, Response extends Message>(
  quorum: Pick<QuorumMember, 'acceptsProposals'>,
  door: LeaderDoor | undefined,
  question: LeaderQuestion<Request, Response>,
): Promise<Input<Response>> {
  const { api, body, isFromMember, answerHere, refused } = question;
  if (quorum.acceptsProposals) return answerHere();
  if (door === undefined || isFromMember) return refused(NO_LEADER);
  const timeoutMs = Math.max(1, Math.min(question.timeoutMs, LEADER_TIMEOUT_MS));
  try {
    return (await door.ask(api, body, timeoutMs)) as Input<Response>;
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    if (error instanceof NotAskedError) return refused(NO_LEADER);
    return refused({ errorCode: ErrorCode.REQUEST_TIMED_OUT, errorMessage: error.message });
  }
}

/** What the quorum itself could not say or do: nobody knows what became of it. */
export const unknown = (error: unknown): Refusal => ({
  errorCode: ErrorCode.REQUEST_TIMED_OUT,
  errorMessage: error instanceof Error ? error.message : String(error),
});
