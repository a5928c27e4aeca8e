/** Epochs and votes on the disk, one after another: none is written before the log's own work is done, nor after a newer one. */
import { asError, QuorumError } from '../errors.ts';
import type { ElectionState } from './election.ts';
import type { MemberCore } from './member-core.ts';
import { writeQuorumState } from './quorum-state-file.ts';

export class VoteKeeper {
  readonly #core: MemberCore;
  readonly #folder: string;
  readonly #logWork: () => Promise<void>;
  #written: Promise<void> = Promise.resolve();

  constructor(core: MemberCore, folder: string, logWork: () => Promise<void>) {
    this.#core = core;
    this.#folder = folder;
    this.#logWork = logWork;
  }

  /** What was asked for last is on the disk, or could not be written. */
  get written(): Promise<void> {
    return this.#written;
  }

  persist(election: ElectionState): Promise<void> {
    const core = this.#core;
    const { volume, crc32c, nodeId } = core.options;
    const isForgotten =
      core.mutants.has('lostVote') && election.votedId !== null && election.votedId !== nodeId;
    const written = Promise.allSettled([this.#written, this.#logWork()])
      .then(() =>
        isForgotten ? undefined : writeQuorumState(volume, this.#folder, election, crc32c),
      )
      .catch((cause: unknown) => {
        throw core.failed(
          new QuorumError(
            'storage',
            `the vote could not be written: this member votes no more until it is restarted on a sound disk (${asError(cause).message})`,
            { cause },
          ),
        );
      });
    this.#written = written;
    core.observation.voteGranted(written, election);
    // Whoever needs it waits for it; the machine learns of a failure in any case.
    written.catch(() => {});
    return written;
  }
}
