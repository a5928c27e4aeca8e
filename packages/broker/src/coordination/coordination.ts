/**
 * The tree for applications: what the handlers of OpenTreeSession to WatchTree do. Reads and watches are answered by this broker
 * from its own tree; whatever changes the tree, or touches a session, by the quorum's leader, to which any broker brings it.
 *
 * Invariant: a session that was renewed was so by a leader that a majority still followed afterwards. One that was deposed without
 * knowing might let its owner believe in a session which its successor has ended.
 */
import type { Clock } from '@odradek/ports';
import {
  ErrorCode,
  closeTreeSessionRequest,
  closeTreeSessionResponse,
  openTreeSessionRequest,
  openTreeSessionResponse,
  renewTreeSessionRequest,
  renewTreeSessionResponse,
  writeTreeRequest,
  writeTreeResponse,
  type CloseTreeSessionRequest,
  type Input,
  type OpenTreeSessionRequest,
  type ReadTreeRequest,
  type RenewTreeSessionRequest,
  type WatchTreeRequest,
  type WriteTreeRequest,
  type readTreeResponse,
  type watchTreeResponse,
} from '@odradek/protocol';
import type { QuorumMember, SessionId } from '@odradek/quorum';
import type { RequestContext } from '../handlers/handler.ts';
import { appPathFault } from './app-paths.ts';
import { AppUsage } from './app-usage.ts';
import { ChangeHistory } from './change-history.ts';
import { askLeader, unknown, type LeaderDoor, type Refusal } from './leader-door.ts';
import { APP_LIMITS, LEADER_TIMEOUT_MS, POSITION_CHECK_MS } from './limits.ts';
import { readFault, readHere, refusedRead } from './read.ts';
import { TreeWaits, type Patience } from './tree-waits.ts';
import { WatchSet } from './watch-set.ts';
import { refusedWrite, writeAtLeader, writeFault } from './write.ts';

export interface CoordinationOptions {
  readonly quorum: QuorumMember;
  readonly clock: Clock;
  /** A broker that is alone leads its quorum itself. */
  readonly leader?: LeaderDoor;
}

const OPEN_SESSION = {
  request: openTreeSessionRequest,
  response: openTreeSessionResponse,
  version: 0,
};
const RENEW_SESSION = {
  request: renewTreeSessionRequest,
  response: renewTreeSessionResponse,
  version: 0,
};
const CLOSE_SESSION = {
  request: closeTreeSessionRequest,
  response: closeTreeSessionResponse,
  version: 0,
};
const WRITE = { request: writeTreeRequest, response: writeTreeResponse, version: 0 };

/** What members of a cluster bring to the one that leads. */
export const LEADER_KEYS: ReadonlySet<number> = new Set(
  [OPEN_SESSION, RENEW_SESSION, CLOSE_SESSION, WRITE].map((it) => it.request.info.key!),
);

const SESSION_OVER: Refusal = {
  errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
  errorMessage: 'the session has ended: open another',
};
const NOT_LEADER: Refusal = {
  errorCode: ErrorCode.NOT_CONTROLLER,
  errorMessage: 'this broker does not lead the quorum',
};
const invalid = (errorMessage: string): Refusal => ({
  errorCode: ErrorCode.INVALID_REQUEST,
  errorMessage,
});

interface WaitingWatch {
  isReplaced: boolean;
  end: (() => void) | undefined;
}

export class Coordination {
  readonly #quorum: QuorumMember;
  readonly #door: LeaderDoor | undefined;
  readonly #usage: AppUsage;
  readonly #history: ChangeHistory;
  /** For the tree to come to a place. */
  readonly #arriving: TreeWaits;
  /** For something to change. */
  readonly #watching: TreeWaits;
  /** The newest watch of each connection, by the connection's own `onClosed`. */
  readonly #newestOn = new WeakMap<RequestContext['onClosed'], WaitingWatch>();

  constructor({ quorum, clock, leader }: CoordinationOptions) {
    this.#quorum = quorum;
    this.#door = leader;
    this.#usage = new AppUsage(quorum.tree);
    this.#history = new ChangeHistory(quorum.snapshot.appliedOffset, APP_LIMITS.historyChangesMax);
    this.#arriving = new TreeWaits(clock, APP_LIMITS.waitingMax, POSITION_CHECK_MS);
    this.#watching = new TreeWaits(clock, APP_LIMITS.waitingMax);
    quorum.onChange((changes, offset) => {
      this.#usage.apply(changes);
      this.#history.append(changes, offset);
      this.#arriving.changed();
      this.#watching.changed();
    });
  }

  openSession(body: OpenTreeSessionRequest, { member }: RequestContext) {
    return askLeader(this.#quorum, this.#door, {
      api: OPEN_SESSION,
      body,
      timeoutMs: LEADER_TIMEOUT_MS,
      isFromMember: member !== undefined,
      answerHere: () => this.#openHere(body.timeoutMs),
      refused: (refusal) => refusal,
    });
  }

  renewSession(body: RenewTreeSessionRequest, { member }: RequestContext) {
    return askLeader(this.#quorum, this.#door, {
      api: RENEW_SESSION,
      body,
      timeoutMs: LEADER_TIMEOUT_MS,
      isFromMember: member !== undefined,
      answerHere: () => this.#renewHere(body.sessionId as SessionId),
      refused: (refusal) => refusal,
    });
  }

  closeSession(body: CloseTreeSessionRequest, { member }: RequestContext) {
    return askLeader(this.#quorum, this.#door, {
      api: CLOSE_SESSION,
      body,
      timeoutMs: LEADER_TIMEOUT_MS,
      isFromMember: member !== undefined,
      answerHere: () => this.#closeHere(body.sessionId as SessionId),
      refused: (refusal) => refusal,
    });
  }

  write(
    body: WriteTreeRequest,
    { member }: RequestContext,
  ): Promise<Input<typeof writeTreeResponse>> {
    const fault = writeFault(body);
    if (fault !== undefined) return Promise.resolve(refusedWrite(invalid(fault)));
    return askLeader(this.#quorum, this.#door, {
      api: WRITE,
      body,
      timeoutMs: body.timeoutMs,
      isFromMember: member !== undefined,
      answerHere: () => writeAtLeader(this.#quorum, this.#usage, body),
      refused: refusedWrite,
    });
  }

  async read(
    { minOffset, isFresh, maxWaitMs, ...asked }: ReadTreeRequest,
    context: RequestContext,
  ): Promise<Input<typeof readTreeResponse>> {
    const fault = readFault({ minOffset, isFresh, maxWaitMs, ...asked });
    if (fault !== undefined) return refusedRead(invalid(fault));
    if (!(await this.#hasCome(minOffset, patienceOf(maxWaitMs, context))))
      return refusedRead(this.#behind(minOffset));
    if (isFresh) {
      try {
        await this.#quorum.sync();
      } catch (error) {
        return refusedRead(unknown(error));
      }
    }
    return {
      errorCode: ErrorCode.NONE,
      treeOffset: this.#treeOffset,
      results: readHere(this.#quorum.tree, asked.reads),
    };
  }

  async watch(
    { fromOffset, maxWaitMs, watches }: WatchTreeRequest,
    context: RequestContext,
  ): Promise<Input<typeof watchTreeResponse>> {
    const fault = watchFault(watches);
    if (fault !== undefined) return { ...invalid(fault), changes: [] };
    const patience = patienceOf(maxWaitMs, { onClosed: this.#untilReplaced(context) });
    if (!(await this.#hasCome(fromOffset, patience)))
      return { ...this.#behind(fromOffset), changes: [] };
    const set = new WatchSet(watches);
    let place = fromOffset;
    let found = this.#changesSince(place, set);
    const hasChanged = (): boolean => {
      // What was looked at once is not looked at again: the next look begins where this one ended.
      place = found?.nextOffset ?? place;
      found = this.#changesSince(place, set);
      return found === undefined || found.changes.length > 0;
    };
    if (found !== undefined && found.changes.length === 0)
      await this.#watching.until(hasChanged, patience);
    if (found === undefined)
      return { errorCode: ErrorCode.NONE, isGap: true, nextOffset: this.#treeOffset, changes: [] };
    return { errorCode: ErrorCode.NONE, nextOffset: found.nextOffset, changes: found.changes };
  }

  /**
   * A newer watch of the same connection is what its asker wants to know from now on: the one before is answered with what there
   * is. So one connection does for any number of watches that come and go.
   */
  #untilReplaced({ onClosed }: RequestContext): Patience['onClosed'] {
    const own: WaitingWatch = { isReplaced: false, end: undefined };
    const before = this.#newestOn.get(onClosed);
    this.#newestOn.set(onClosed, own);
    if (before !== undefined) {
      before.isReplaced = true;
      before.end?.();
    }
    return (end) => {
      own.end = end;
      // It came while this one was being looked at.
      if (own.isReplaced) void Promise.resolve().then(end);
      return onClosed(end);
    };
  }

  // At the leader.

  async #openHere(wantedMs: number): Promise<Input<typeof openTreeSessionResponse>> {
    const { sessionTimeoutMsMin, sessionTimeoutMsMax } = APP_LIMITS;
    const timeoutMs = Math.min(Math.max(wantedMs, sessionTimeoutMsMin), sessionTimeoutMsMax);
    try {
      const opened = await this.#quorum.openSession({ timeoutMs });
      if (opened.status === 'notLeader') return NOT_LEADER;
      if (opened.status === 'refused')
        return {
          errorCode:
            opened.error.code === 'overloaded'
              ? ErrorCode.REQUEST_TIMED_OUT
              : ErrorCode.POLICY_VIOLATION,
          errorMessage: opened.error.message,
        };
      const { id, timeoutMs: grantedMs } = opened.session;
      return { errorCode: ErrorCode.NONE, sessionId: id, timeoutMs: grantedMs };
    } catch (error) {
      return unknown(error);
    }
  }

  /** Touched first, and then asked whether this leader is one still: what follows it begins the session's time later. */
  async #renewHere(id: SessionId): Promise<Input<typeof renewTreeSessionResponse>> {
    const isOpen = this.#quorum.touchSession(id);
    try {
      await this.#quorum.sync();
    } catch (error) {
      return unknown(error);
    }
    if (!this.#quorum.acceptsProposals) return NOT_LEADER;
    return isOpen ? { errorCode: ErrorCode.NONE } : SESSION_OVER;
  }

  async #closeHere(id: SessionId): Promise<Input<typeof closeTreeSessionResponse>> {
    try {
      const closed = await this.#quorum.closeSession(id);
      if (closed.status === 'notLeader') return NOT_LEADER;
      if (closed.status === 'committed') return { errorCode: ErrorCode.NONE };
      return closed.error.code === 'sessionExpired'
        ? SESSION_OVER
        : { errorCode: ErrorCode.REQUEST_TIMED_OUT, errorMessage: closed.error.message };
    } catch (error) {
      return unknown(error);
    }
  }

  // This broker's tree.

  get #treeOffset(): number {
    return this.#quorum.snapshot.appliedOffset;
  }

  #hasCome(toOffset: number, patience: Patience): Promise<boolean> {
    return this.#arriving.until(() => this.#treeOffset >= toOffset, patience);
  }

  #behind(toOffset: number): Refusal {
    return {
      errorCode: ErrorCode.REQUEST_TIMED_OUT,
      errorMessage: `this broker's tree has come to offset ${this.#treeOffset}, not yet to ${toOffset}`,
    };
  }

  #changesSince(fromOffset: number, watches: WatchSet) {
    const { changesPerAnswerMax } = APP_LIMITS;
    return this.#history.since(fromOffset, watches, changesPerAnswerMax, this.#treeOffset);
  }
}

const patienceOf = (
  maxWaitMs: number,
  { onClosed }: Pick<RequestContext, 'onClosed'>,
): Patience => ({
  maxWaitMs: Math.min(maxWaitMs, APP_LIMITS.waitMsMax),
  onClosed,
});

function watchFault(watches: WatchTreeRequest['watches']): string | undefined {
  if (watches.length > APP_LIMITS.watchesPerRequestMax)
    return `${watches.length} watches in one request, ${APP_LIMITS.watchesPerRequestMax} at most`;
  for (const { path, scope } of watches) {
    const fault = appPathFault(path);
    if (fault !== undefined) return fault;
    if (!WatchSet.knows(scope)) return `no scope ${scope}`;
  }
  return undefined;
}
