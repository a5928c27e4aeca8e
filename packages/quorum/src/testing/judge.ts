/**
 * What must be so after every event, whatever happens to the ensemble. Names in capitals are those of the Raft paper and
 * of the KRaft specifications.
 *
 *   ElectionSafety      one leader an epoch
 *   VoteOnce            one vote of a node an epoch
 *   LogMatching         what stands at an offset in an epoch is the same everywhere
 *   CommittedForEver    what was committed stands in every log that reaches there, below its high watermark, and in every leader's
 *   CommittedDurably    a majority of the voters has on its disk what is committed
 *   CommitInOwnEpoch    a leader moves the high watermark to a record of its own epoch
 *   NeverBackInTime     high watermark, tree and what is told of it only go forward, within one life
 *   LeaderHeard         a leader that nobody reaches is none for long
 *   SameTree            trees that are built up to the same offset are equal
 */
import { leaderEpoch, offset, type NodeId } from '@odradek/protocol';
import { encodeSnapshot } from '../tree/snapshot.ts';
import { crc32c } from './ensemble.ts';
import type { Entry } from './recording-log.ts';
import { LEASE_MS, type SimulatedMember } from './simulated-member.ts';

/** What there is to see. */
export interface Scene {
  readonly members: readonly SimulatedMember[];
  readonly time: { readonly nowMs: number };
  reaches(from: SimulatedMember, to: SimulatedMember): boolean;
}

interface Seen {
  highWatermark: number;
  appliedOffset: number;
  toldOffset: number;
  /** Since when no majority could reach it. */
  aloneSinceMs: number | undefined;
}

export class Violation extends Error {
  override readonly name = 'Violation';
}

export class Judge {
  readonly #ensemble: Scene;
  readonly #leaders = new Map<number, string>();
  readonly #votes = new Map<string, number>();
  readonly #standing = new Map<string, number>();
  readonly #committed = new Map<number, Entry>();
  #committedEnd = 0;
  readonly #seen = new Map<SimulatedMember, Seen>();
  readonly #trees = new Map<number, Uint8Array>();
  #looks = 0;
  /** What was thrown where nobody could catch it. */
  #violation: Violation | undefined;

  constructor(ensemble: Scene) {
    this.#ensemble = ensemble;
  }

  get committedEnd(): number {
    return this.#committedEnd;
  }

  started(it: SimulatedMember): void {
    this.#seen.set(it, {
      highWatermark: 0,
      appliedOffset: 0,
      toldOffset: -1,
      aloneSinceMs: undefined,
    });
  }

  appended(it: SimulatedMember, { baseOffset, epoch, crc }: Entry): void {
    const key = `${baseOffset} ${epoch}`;
    const known = this.#standing.get(key);
    if (known === undefined) this.#standing.set(key, crc);
    else if (known !== crc)
      this.#hold(
        `LogMatching: ${it.id} has another batch at offset ${baseOffset} of epoch ${epoch}`,
      );
  }

  voted(voter: NodeId, epoch: number, candidate: number): void {
    const key = `${voter} ${epoch}`;
    const known = this.#votes.get(key);
    if (known === undefined) this.#votes.set(key, candidate);
    else if (known !== candidate)
      this.#hold(`VoteOnce: ${voter} votes for ${known} and for ${candidate} in epoch ${epoch}`);
  }

  told(it: SimulatedMember, at: number): void {
    const seen = this.#seen.get(it)!;
    if (at <= seen.toldOffset)
      this.#hold(`NeverBackInTime: ${it.id} tells of offset ${at} after ${seen.toldOffset}`);
    seen.toldOffset = at;
  }

  /** Throws Violation. */
  look(): void {
    if (this.#violation !== undefined) throw this.#violation;
    this.#looks += 1;
    for (const it of this.#ensemble.members)
      if (it.isUp && it.member !== undefined) this.#lookAt(it);
    if (this.#violation !== undefined) throw this.#violation;
  }

  #lookAt(it: SimulatedMember): void {
    const { snapshot } = it.member!;
    const seen = this.#seen.get(it)!;
    if (snapshot.role === 'leader') this.#lookAtLeader(it, snapshot.epoch, seen);
    else seen.aloneSinceMs = undefined;
    const { highWatermark, appliedOffset } = snapshot;
    if (highWatermark < seen.highWatermark || appliedOffset < seen.appliedOffset)
      this.#hold(
        `NeverBackInTime: ${it.id} goes back from ${seen.highWatermark} to ${highWatermark}`,
      );
    if (highWatermark > seen.highWatermark) this.#lookAtCommitted(it, seen, highWatermark);
    seen.highWatermark = highWatermark;
    if (appliedOffset !== seen.appliedOffset && this.#looks % 8 === 0) this.lookAtTree(it);
    seen.appliedOffset = appliedOffset;
  }

  #lookAtLeader(it: SimulatedMember, epoch: number, seen: Seen): void {
    const who = `${it.id}/${it.life}`;
    const known = this.#leaders.get(epoch);
    if (known === undefined) {
      this.#leaders.set(epoch, who);
      this.#lookAtCompleteness(it, epoch);
    } else if (known !== who)
      this.#hold(`ElectionSafety: ${known} and ${who} lead in epoch ${epoch}`);
    const { time } = this.#ensemble;
    if (this.#isAlone(it)) seen.aloneSinceMs ??= time.nowMs;
    else seen.aloneSinceMs = undefined;
    if (seen.aloneSinceMs !== undefined && time.nowMs - seen.aloneSinceMs > LEASE_MS)
      this.#hold(`LeaderHeard: ${it.id} leads in epoch ${epoch}, and nobody can reach it`);
  }

  #isAlone(it: SimulatedMember): boolean {
    const { voterSet } = it.member!;
    const reaching = this.#ensemble.members.filter(
      (other) =>
        voterSet.some((voter) => voter.id === other.id) &&
        (other === it || (other.isUp && this.#ensemble.reaches(other, it))),
    );
    return reaching.length < Math.floor(voterSet.length / 2) + 1;
  }

  /** Whatever was committed is in the new leader's log, or in what its log begins behind. */
  #lookAtCompleteness(it: SimulatedMember, epoch: number): void {
    const { entries, logStartOffset, logEndOffset } = it.log!;
    if (logEndOffset < this.#committedEnd)
      this.#hold(
        `CommittedForEver: ${it.id} leads in epoch ${epoch} and ends at ${logEndOffset}, before ${this.#committedEnd}`,
      );
    for (const entry of entries)
      if (entry.baseOffset >= logStartOffset && entry.nextOffset <= this.#committedEnd)
        this.#compare(it, entry);
  }

  #lookAtCommitted(it: SimulatedMember, seen: Seen, highWatermark: number): void {
    const isLeader = it.member!.snapshot.role === 'leader';
    const { entries } = it.log!;
    for (const entry of entries) {
      if (entry.nextOffset <= seen.highWatermark) continue;
      if (entry.baseOffset >= highWatermark) break;
      this.#compare(it, entry);
      if (entry.nextOffset <= this.#committedEnd) continue;
      this.#committed.set(entry.baseOffset, entry);
      this.#committedEnd = entry.nextOffset;
      if (isLeader) this.#lookAtDurability(it, entry);
    }
    const last = entries.findLast((entry) => entry.nextOffset <= highWatermark);
    if (isLeader && last !== undefined && last.epoch !== it.member!.snapshot.epoch)
      this.#hold(`CommitInOwnEpoch: ${it.id} counts the copies of epoch ${last.epoch}`);
  }

  #compare(it: SimulatedMember, entry: Entry): void {
    const known = this.#committed.get(entry.baseOffset);
    if (known === undefined) {
      if (entry.nextOffset <= this.#committedEnd)
        this.#hold(
          `CommittedForEver: ${it.id} has a batch at ${entry.baseOffset} where none was committed`,
        );
    } else if (known.epoch !== entry.epoch || known.crc !== entry.crc)
      this.#hold(`CommittedForEver: ${it.id} has another batch at offset ${entry.baseOffset}`);
  }

  #lookAtDurability(it: SimulatedMember, entry: Entry): void {
    const { voterSet } = it.member!;
    const holding = voterSet.filter((voter) => {
      const other = this.#ensemble.members.find((member) => member.id === voter.id)!;
      // A disk that was lost since has held it: its answer may have been on its way.
      const held =
        voter.incarnation === other.incarnation
          ? (other.log?.flushedOffset ?? other.flushedOffset)
          : (other.lost.get(voter.incarnation) ?? 0);
      return held >= entry.nextOffset;
    });
    if (holding.length < Math.floor(voterSet.length / 2) + 1) {
      const names = holding.map((voter) => voter.id).join();
      this.#hold(`CommittedDurably: offset ${entry.baseOffset} is on the disks of ${names} only`);
    }
  }

  lookAtTree(it: SimulatedMember): void {
    const { appliedOffset } = it.member!.snapshot;
    const bytes = encodeSnapshot(
      it.member!.tree,
      { nextOffset: offset(0), epoch: leaderEpoch(0) },
      crc32c,
    );
    const known = this.#trees.get(appliedOffset);
    if (known === undefined) this.#trees.set(appliedOffset, bytes);
    else if (Buffer.compare(known, bytes) !== 0)
      this.#hold(`SameTree: ${it.id} has another tree up to offset ${appliedOffset}`);
  }

  #hold(what: string): void {
    this.#violation ??= new Violation(what);
  }
}
