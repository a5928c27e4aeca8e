/**
 * Known bugs of consensus, as switches: a simulation that does not find them proves nothing. They are handed in by a probe
 * ("quorum.lostVote"), which no host but a simulator has, so that no configuration can ever reach them.
 */
import type { Probe } from '@odradek/ports';

export const QUORUM_MUTANTS = [
  /** A vote is answered without being on the disk: after a crash it is given a second time. */
  'lostVote',
  /** A member whose storage came back empty votes as if it were the old one. */
  'forgottenIncarnation',
  /** What was written is told as if it were flushed. */
  'ackBeforeFlush',
  /** A follower cuts its log at its high watermark instead of where it diverges (KIP-101). */
  'truncateToHighWatermark',
  /** A leader counts the copies of what an older epoch wrote (Raft, section 5.4.2). */
  'commitOldEpoch',
  /** Those who follow the tree are told of a change again after a change of the leader (etcd #15271). */
  'watchBackInTime',
  /** A leader that nobody hears any more goes on leading. */
  'leaderWithoutCheckQuorum',
  /** A read index is given without asking whether somebody else leads by now. */
  'unconfirmedReadIndex',
  /** A vote is given to a candidate whose log is behind. */
  'voteForShorterLog',
] as const;

export type QuorumMutant = (typeof QUORUM_MUTANTS)[number];

const NONE: ReadonlySet<QuorumMutant> = new Set();

export const mutantsOf = ({ mutants }: Probe = {}): ReadonlySet<QuorumMutant> =>
  mutants === undefined
    ? NONE
    : new Set(QUORUM_MUTANTS.filter((it) => mutants.has(`quorum.${it}`)));
