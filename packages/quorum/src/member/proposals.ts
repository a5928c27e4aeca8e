/**
 * A leader's proposals from the question to the answer. A proposal is decided at once, on the committed tree with everything
 * laid over it that was decided before, and appended at once; nobody waits for the disk in between, so that thousands go down
 * in a few flushes. It is answered when it is committed and in the tree.
 *
 * A refusal waits, too: it rests on proposals that may yet be lost ("the node exists" must not be said of one that never came
 * to be), and answers come in the order of the questions.
 */
import type { Clock, Crc32c } from '@odradek/ports';
import { buildBatch, ErrorCode, offset, type LeaderEpoch, type Offset } from '@odradek/protocol';
import { invariant, QuorumError } from '../errors.ts';
import type { QuorumLimits } from '../limits.ts';
import { decide, type Decision } from '../tree/decide.ts';
import { Draft } from '../tree/draft.ts';
import type { SessionId } from '../tree/node.ts';
import type { OpResult, SessionOp, TreeError, TreeErrorCode, TreeOp } from '../tree/operation.ts';
import { encodeRecord } from '../tree/record-codec.ts';
import type { CommittedBatch, CommittedTree } from './committed-tree.ts';
import type { QuorumLog } from './quorum-log.ts';

export type Outcome =
  /** `offset` is that of its last record: a tree that has it, has the proposal. */
  | { readonly status: 'committed'; readonly offset: Offset; readonly results: readonly OpResult[] }
  | { readonly status: 'refused'; readonly error: TreeError };

interface Pending {
  /** Answered when all below is committed. */
  readonly nextOffset: Offset;
  readonly outcome: Outcome;
  readonly sizeBytes: number;
  /** What was appended; a refusal has none. */
  readonly appended:
    | { readonly batch: CommittedBatch; readonly draft: Draft | undefined }
    | undefined;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: QuorumError) => void;
}

export interface ProposalsOptions {
  readonly epoch: LeaderEpoch;
  readonly log: QuorumLog;
  readonly committed: CommittedTree;
  readonly clock: Clock;
  readonly crc32c: Crc32c;
  readonly limits: QuorumLimits;
}

/** Of the log's refusals, those after which one may go on. */
const REFUSALS: ReadonlyMap<ErrorCode, TreeErrorCode> = new Map([
  [ErrorCode.MESSAGE_TOO_LARGE, 'tooLarge'],
  [ErrorCode.RECORD_LIST_TOO_LARGE, 'tooLarge'],
  [ErrorCode.REQUEST_TIMED_OUT, 'overloaded'],
] as const);

const OVERLOADED: Outcome = {
  status: 'refused',
  error: {
    code: 'overloaded',
    message: 'too much is waiting for its commit: ask again',
    opIndex: 0,
  },
};

export class Proposals {
  readonly #options: ProposalsOptions;
  /** Everything decided and not yet committed. */
  readonly #decided: Draft;
  /** In the order of the log, from `#first` on. */
  #pending: Pending[] = [];
  #first = 0;
  #pendingBytes = 0;
  #highWatermark = offset(0);
  #isAdvancing = false;
  /** Of the latest proposal. */
  #latest: Promise<unknown> = Promise.resolve();

  constructor(options: ProposalsOptions) {
    this.#options = options;
    this.#decided = new Draft(options.committed.tree);
  }

  get pendingCount(): number {
    return this.#pending.length - this.#first;
  }

  /** Everything proposed so far is answered. */
  async drained(): Promise<void> {
    await this.#latest;
  }

  /** Throws QuorumError 'storage' when the log takes nothing; then nothing has changed. */
  propose(
    ops: readonly (TreeOp | SessionOp)[],
    sessionId: SessionId | undefined,
  ): Promise<Outcome> {
    const { log, limits } = this.#options;
    if (
      this.pendingCount >= limits.pendingProposalsMax ||
      this.#pendingBytes >= limits.pendingBytesMax
    ) {
      return Promise.resolve(OVERLOADED);
    }
    const nextOffset = log.logEndOffset;
    const decision = decide(this.#decided, ops, { nextOffset, sessionId, limits });
    if (decision.status === 'refused') return this.#refuse(decision.error);
    const batch = this.#append(decision, nextOffset);
    if ('code' in batch) return this.#refuse(batch);
    this.#decided.take(decision.draft);
    return this.#wait({
      nextOffset: batch.nextOffset,
      outcome: {
        status: 'committed',
        offset: offset(batch.nextOffset - 1),
        results: decision.results,
      },
      sizeBytes: decision.sizeBytes,
      appended: { batch, draft: decision.draft },
    });
  }

  /** A control record: it is none of the tree's, but has its place among what is committed. Throws QuorumError 'storage'. */
  appendControl(bytes: Uint8Array): Promise<Outcome> {
    const { log, epoch } = this.#options;
    const baseOffset = log.logEndOffset;
    const appended = log.appendAsLeader(bytes, { leaderEpoch: epoch, origin: 'coordinator' });
    if (appended.status === 'refused')
      throw new QuorumError('storage', `the metadata log takes no batch: ${appended.message}`);
    const nextOffset = log.logEndOffset;
    return this.#wait({
      nextOffset,
      outcome: { status: 'committed', offset: offset(nextOffset - 1), results: [] },
      sizeBytes: 0,
      appended: {
        batch: { baseOffset, nextOffset, epoch, records: [], sizeBytes: bytes.length },
        draft: undefined,
      },
    });
  }

  /** Applies and answers what is committed now. A listener may propose again meanwhile. */
  advance(highWatermark: Offset): void {
    this.#highWatermark = highWatermark;
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    try {
      while (this.pendingCount > 0 && this.#pending[this.#first]!.nextOffset <= this.#highWatermark)
        this.#answerFirst();
    } finally {
      this.#isAdvancing = false;
    }
    this.#compact();
  }

  #answerFirst(): void {
    const pending = this.#pending[this.#first]!;
    this.#first += 1;
    this.#pendingBytes -= pending.sizeBytes;
    const { appended } = pending;
    if (appended !== undefined) {
      this.#options.committed.apply(appended.batch, () => {
        if (appended.draft !== undefined) this.#decided.settle(appended.draft);
      });
    }
    pending.resolve(pending.outcome);
  }

  /** Whether they were committed is not known: they may be in the log. */
  abandon(error: QuorumError): void {
    const abandoned = this.#pending.slice(this.#first);
    this.#pending = [];
    this.#first = 0;
    for (const pending of abandoned) pending.reject(error);
  }

  #refuse(error: TreeError): Promise<Outcome> {
    const outcome: Outcome = { status: 'refused', error };
    if (this.pendingCount === 0) return Promise.resolve(outcome);
    const nextOffset = this.#options.log.logEndOffset;
    return this.#wait({ nextOffset, outcome, sizeBytes: 0, appended: undefined });
  }

  /** The log may find it too large, or be too far behind its disk; anything else ends the leadership. */
  #append(
    { records }: Decision & { status: 'decided' },
    baseOffset: Offset,
  ): CommittedBatch | TreeError {
    const { epoch, log, clock, crc32c } = this.#options;
    const timestampMs = clock.wallTimeMs();
    const bytes = buildBatch({
      baseOffset,
      leaderEpoch: epoch,
      records: records.map((record) => ({ timestampMs, key: null, value: encodeRecord(record) })),
      crc32c,
    });
    const appended = log.appendAsLeader(bytes, { leaderEpoch: epoch, origin: 'coordinator' });
    if (appended.status === 'refused') {
      const code = REFUSALS.get(appended.errorCode);
      if (code !== undefined) return { code, message: appended.message, opIndex: 0 };
      throw new QuorumError('storage', `the metadata log takes no batch: ${appended.message}`);
    }
    invariant(
      appended.status === 'appended' && appended.baseOffset === baseOffset,
      `a batch decided for offset ${baseOffset} came to stand at ${appended.baseOffset} (${appended.status})`,
    );
    const nextOffset = offset(baseOffset + records.length);
    return { baseOffset, nextOffset, epoch, records, sizeBytes: bytes.length };
  }

  #wait(pending: Omit<Pending, 'resolve' | 'reject'>): Promise<Outcome> {
    this.#pendingBytes += pending.sizeBytes;
    const answer = new Promise<Outcome>((resolve, reject) =>
      this.#pending.push({ ...pending, resolve, reject }),
    );
    this.#latest = answer.catch(() => {});
    return answer;
  }

  /** A queue that is never empty must not grow for ever. */
  #compact(): void {
    if (this.#first * 2 < this.#pending.length) return;
    this.#pending.splice(0, this.#first);
    this.#first = 0;
  }
}
