/** Reads that are not older than the question: a leader's word on what is committed, confirmed by a majority, and then the wait for it. */
import { ErrorCode, offset, type Offset } from '@odradek/protocol';
import { QuorumError } from '../errors.ts';
import { RETRY_BACKOFF_MS } from '../limits.ts';
import type { Leading } from './leading.ts';
import type { MemberCore } from './member-core.ts';
import { fetchedPartitionOf, probeOf } from './messages.ts';
import { sleep, withTimeout } from './waiting.ts';

export class FreshReads {
  readonly #core: MemberCore;
  readonly #leading: Leading;

  constructor(core: MemberCore, leading: Leading) {
    this.#core = core;
    this.#leading = leading;
  }

  /** There is a leader, and this member has what was committed when it had found it. */
  async ready(): Promise<void> {
    const { clock, waiters, stopped } = this.#core;
    for (;;) {
      const error = stopped();
      if (error !== undefined) throw error;
      await waiters.until(() => this.#knowsWhom, stopped);
      if (this.#leading.leadership?.isActive === true) return;
      try {
        await this.sync();
        return;
      } catch {
        // The leader has only begun, or was the leader no more.
        await sleep(clock, RETRY_BACKOFF_MS);
      }
    }
  }

  /** To ask what is committed; itself, if it leads and is up to date. */
  get #knowsWhom(): boolean {
    const { election, self } = this.#core;
    if (election.leaderId === self.id) return this.#leading.leadership?.isActive === true;
    return election.leaderId !== null;
  }

  async sync(): Promise<Offset> {
    const { clock, committed, waiters, stopped, requestTimeoutMs } = this.#core;
    const readIndex = await this.#readIndex();
    const arrived = waiters.until(() => committed.nextOffset >= readIndex, stopped);
    await withTimeout(clock, arrived, requestTimeoutMs).catch((cause: unknown) => {
      throw unconfirmed('what the leader has committed has not come here in time', cause);
    });
    return readIndex;
  }

  /** To where the log is committed now, as nobody but a leader with its majority knows. */
  async #readIndex(): Promise<Offset> {
    const { clock, self, election, mutants, peers, requestTimeoutMs, clusterId } = this.#core;
    const { leadership } = this.#leading;
    if (leadership?.isActive === true) {
      const readIndex = this.#core.highWatermark;
      const isConfirmed = mutants.has('unconfirmedReadIndex') || (await this.#leading.confirm());
      if (isConfirmed && this.#leading.leadership === leadership) return readIndex;
      throw unconfirmed('this member does not lead any more');
    }
    const { leaderId } = election;
    if (leaderId === null || leaderId === self.id)
      throw unconfirmed('no leader of the metadata quorum is known');
    const answer = await withTimeout(
      clock,
      peers.fetch(leaderId, probeOf(clusterId())),
      requestTimeoutMs,
    ).catch((cause: unknown) => {
      throw unconfirmed(`node ${leaderId}, the leader, does not answer`, cause);
    });
    const partition = fetchedPartitionOf(answer);
    if (partition?.errorCode !== ErrorCode.NONE)
      throw unconfirmed(`node ${leaderId} is not, or not yet, the leader that it was`);
    return offset(partition.highWatermark);
  }
}

const unconfirmed = (why: string, cause?: unknown): QuorumError =>
  new QuorumError('unconfirmed', `${why}: ask again`, { cause });
