/**
 * One seeded history: clients write and read, faults come and go, then everything heals and has to work again. Which kinds of
 * faults there are is drawn, too (a "swarm"): with all of them at once the rarer interleavings hide.
 *
 * What clients saw is judged as a whole at the end; everything else after each event, by the judge.
 */
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import type { QuorumMutant } from '../member/mutants.ts';
import { anomalyIn, type Observation } from './linearizability.ts';
import { Violation } from './judge.ts';
import { SimulatedEnsemble } from './simulated-ensemble.ts';
import type { SimulatedMember } from './simulated-member.ts';

export interface EveningOptions {
  readonly seed: number;
  readonly voters?: number;
  readonly mutants?: readonly QuorumMutant[];
  readonly faultyMs?: number;
}

export interface Evening {
  readonly events: number;
  readonly trace: readonly string[];
  readonly writes: number;
  readonly reads: number;
  /** Operations that were answered for certain, of all. */
  readonly answeredPercent: number;
}

type Fault =
  | 'crash'
  | 'crashAll'
  | 'isolateLeader'
  | 'isolate'
  | 'split'
  | 'oneWay'
  | 'wipe'
  | 'full'
  | 'resign'
  | 'crashAfterVote';
const FAULTS: readonly Fault[] = [
  'crash',
  'crashAll',
  'isolateLeader',
  'isolate',
  'split',
  'oneWay',
  'wipe',
  'full',
  'resign',
  'crashAfterVote',
];

const KEYS = ['/a', '/b'];
const HEALING_MS = 12_000;
const ROOMY = Number.POSITIVE_INFINITY;

/** Throws Violation, with what has happened until then. */
export async function spendEvening(options: EveningOptions): Promise<Evening> {
  const evening = new SimulatedEvening(options);
  try {
    return await evening.spend();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    const trace = evening.ensemble.trace.slice(-60).join('\n  ');
    throw new Violation(`seed ${options.seed}: ${error.message}\n  ${trace}`);
  }
}

export class SimulatedEvening {
  readonly ensemble: SimulatedEnsemble;
  readonly #options: EveningOptions;
  readonly #history: Observation[] = [];
  readonly #kinds: readonly Fault[];
  /** Of begins and ends, in one row. */
  #tick = 0;
  #values = 0;
  #isFaulty = true;
  #isWiped = false;
  /** From then on everything has to work. */
  #healedTick = 0;
  #asked = 0;
  #answered = 0;

  constructor(options: EveningOptions) {
    this.#options = options;
    const { seed, mutants = [] } = options;
    const shape = new SimulatedEnsemble({ seed, voters: 1 });
    this.ensemble = new SimulatedEnsemble({
      seed,
      voters: options.voters ?? (shape.chance(70) ? 3 : 5),
      observers: shape.chance(30) ? 1 : 0,
      mutants,
      duplicatePercent: shape.chance(50) ? 5 : 0,
      delayMsMax: shape.pick([3, 10, 40]),
      syncMsMax: shape.pick([1, 5, 30]),
      snapshotIntervalBytes: shape.pick([700, 3000, 1_000_000]),
    });
    this.#kinds = FAULTS.filter(() => this.ensemble.chance(60));
  }

  async spend(): Promise<Evening> {
    const { ensemble } = this;
    const { faultyMs = 12_000 } = this.#options;
    ensemble.startAll();
    const began = await ensemble.runUntil(() => ensemble.leader !== undefined, 15_000);
    if (!began) throw new Violation('no first leader is found');
    if (ensemble.chance(50)) ensemble.lossPercent = ensemble.pick([1, 5, 20]);
    const endMs = ensemble.time.nowMs + faultyMs;
    this.#operate();
    while (ensemble.time.nowMs < endMs) {
      await ensemble.run(50 + ensemble.draw(1500));
      this.#isFaulty = true;
      this.#strike();
    }
    this.#isFaulty = false;
    await this.#heal();
    const anomaly = anomalyIn(this.#history);
    if (anomaly !== undefined) throw new Violation(`Linearizability: ${anomaly}`);
    return {
      events: ensemble.time.eventCount,
      trace: ensemble.trace,
      writes: this.#history.filter((it) => it.kind === 'write').length,
      reads: this.#history.filter((it) => it.kind === 'read').length,
      answeredPercent: Math.round((100 * this.#answered) / Math.max(1, this.#asked)),
    };
  }

  // Faults.

  #strike(): void {
    const { ensemble } = this;
    const { members } = ensemble;
    for (const it of members) if (!it.isUp && ensemble.chance(60)) this.#restart(it);
    if (ensemble.chance(50)) ensemble.heal();
    if (this.#kinds.length === 0) return;
    const victim = ensemble.pick(members);
    switch (ensemble.pick(this.#kinds)) {
      case 'crash':
        return ensemble.crash(ensemble.chance(50) ? (ensemble.leader ?? victim) : victim, {
          isKilled: ensemble.chance(50),
        });
      case 'crashAll':
        if (ensemble.chance(30)) for (const it of members) ensemble.crash(it);
        return;
      case 'isolateLeader':
        if (ensemble.leader !== undefined) ensemble.isolate(ensemble.leader);
        return;
      case 'isolate':
        return ensemble.isolate(victim);
      case 'split':
        return ensemble.split(members.filter(() => ensemble.chance(50)));
      case 'oneWay': {
        const other = ensemble.pick(members);
        ensemble.note(`${other.id} does not hear ${victim.id}`);
        return ensemble.cut(victim, other);
      }
      case 'wipe':
        // Once: two lost disks of three are more than any quorum promises to survive.
        if (this.#isWiped || victim.member === undefined || ensemble.judge.committedEnd < 4) return;
        this.#isWiped = true;
        return ensemble.chance(50) ? ensemble.wipe(victim) : this.#wipeBehindItsBack(victim);
      case 'full':
        ensemble.note(`the disk of ${victim.id} is full`);
        victim.disk.capacityBytes = victim.disk.usedBytes + ensemble.draw(300);
        return;
      case 'crashAfterVote':
        ensemble.isVoteDangerous = true;
        if (ensemble.chance(50) && ensemble.leader !== undefined) ensemble.isolate(ensemble.leader);
        return;
      case 'resign':
        return ensemble.leader?.member?.resign();
    }
  }

  /**
   * The worst moment: one voter is behind, the leader dies, and of those who hold what was committed meanwhile one has lost its
   * storage. Whoever counts its vote as the old one's elects the one that is behind.
   */
  #wipeBehindItsBack(victim: SimulatedMember): void {
    const { ensemble } = this;
    const { leader } = ensemble;
    if (leader === undefined || leader === victim) return ensemble.wipe(victim);
    ensemble.heal();
    for (const it of ensemble.members) if (!it.isUp) this.#restart(it);
    ensemble.isolate(
      ensemble.pick(ensemble.members.filter((it) => it !== leader && it !== victim)),
    );
    ensemble.time.after(600, () => {
      const now = ensemble.leader;
      if (!this.#isFaulty || now === undefined || now === victim) return;
      ensemble.crash(now);
      ensemble.wipe(victim);
      ensemble.start(victim);
      ensemble.heal();
    });
  }

  #restart(it: SimulatedMember): void {
    it.disk.capacityBytes = ROOMY;
    this.ensemble.start(it);
  }

  async #heal(): Promise<void> {
    const { ensemble } = this;
    ensemble.heal();
    ensemble.lossPercent = 0;
    this.#healedTick = this.#tick;
    for (const it of ensemble.members) it.disk.capacityBytes = ROOMY;
    this.#restartWhatHasFailed();
    const isWhole = await ensemble.runUntil(() => this.#isWhole(), HEALING_MS);
    if (!isWhole) throw new Violation(`Liveness: ${this.#whatIsLacking()}`);
    for (const it of ensemble.members) ensemble.judge.lookAtTree(it);
    ensemble.judge.look();
  }

  /** As whoever looks after processes does, over and over. */
  #restartWhatHasFailed(): void {
    const { ensemble } = this;
    for (const it of ensemble.members) {
      const failure = it.startError ?? it.member?.snapshot.failure;
      if (it.isUp && failure !== undefined && failure !== null) ensemble.crash(it);
      if (!it.isUp) ensemble.start(it);
    }
    ensemble.time.after(500, () => this.#restartWhatHasFailed());
  }

  #isWhole(): boolean {
    const { members, leader } = this.ensemble;
    const at = leader?.member?.snapshot;
    if (at === undefined || at.highWatermark <= this.ensemble.judge.committedEnd - 1) return false;
    if (
      !this.#history.some(
        (it) => it.kind === 'write' && it.began > this.#healedTick && it.offset !== undefined,
      )
    )
      return false;
    return (
      members.every((it) => {
        const snapshot = it.member?.snapshot;
        return (
          snapshot !== undefined &&
          snapshot.leaderId === at.leaderId &&
          snapshot.appliedOffset >= at.highWatermark - 20
        );
      }) && this.#agree()
    );
  }

  #agree(): boolean {
    const applied = this.ensemble.members.map((it) => it.member!.snapshot.appliedOffset);
    return applied.every((it) => it === applied[0]);
  }

  #whatIsLacking(): string {
    const told = this.ensemble.members.map((it) => {
      const { startError, member } = it;
      if (member === undefined) return `${it.id} is not up (${String(startError)})`;
      const { role, epoch, leaderId, highWatermark, appliedOffset, logEndOffset, voters, failure } =
        member.snapshot;
      return `${it.id}: ${role} in ${epoch} under ${leaderId}, hw ${highWatermark}, tree ${appliedOffset}, log ${logEndOffset}, voters ${voters.join()} ${failure?.message ?? ''}`;
    });
    return told.join('; ');
  }

  // Clients.

  #operate(): void {
    const { ensemble } = this;
    const next = (): void => {
      // Whoever believes that it leads is asked most, and may be wrong.
      const leaders = ensemble.members.filter((one) => one.member?.snapshot.role === 'leader');
      const isForLeader = leaders.length > 0 && ensemble.chance(60);
      const it = ensemble.pick(isForLeader ? leaders : ensemble.members);
      if (it.isUp && it.member !== undefined) {
        this.#asked += 1;
        if (ensemble.chance(50)) void this.#write(it);
        else void this.#read(it);
      }
      ensemble.time.after(10 + ensemble.draw(this.#isFaulty ? 100 : 300), next);
    };
    next();
  }

  async #write(it: SimulatedMember): Promise<void> {
    const { life, member } = it;
    const path = this.ensemble.pick(KEYS);
    const value = `v${this.#values++}`;
    const bytes = utf8Encode(value);
    const began = this.#tick++;
    const isThere = member!.tree.has(path);
    const index = this.#history.length;
    const base = { kind: 'write', path, value, began } as const;
    this.#history.push({ ...base, ended: undefined, offset: undefined });
    try {
      const answer = await member!.propose([
        isThere ? { op: 'set', path, value: bytes } : { op: 'create', path, value: bytes },
      ]);
      if (!it.isUp || it.life !== life) return;
      // Certainly not done: it stays as a write of which nobody knows, and nobody sees it.
      if (answer.status !== 'committed') return;
      this.#answered += 1;
      this.#history[index] = { ...base, ended: this.#tick++, offset: answer.offset };
    } catch {
      // Not known.
    }
  }

  async #read(it: SimulatedMember): Promise<void> {
    const { life, member } = it;
    const path = this.ensemble.pick(KEYS);
    const began = this.#tick++;
    try {
      await member!.sync();
    } catch {
      return;
    }
    if (!it.isUp || it.life !== life) return;
    this.#answered += 1;
    const node = member!.tree.get(path);
    this.#history.push({
      kind: 'read',
      path,
      value: node === undefined ? undefined : utf8Decode(node.value),
      modifiedAt: node?.modifiedAt ?? -1,
      began,
      ended: this.#tick++,
      upTo: member!.snapshot.appliedOffset,
    });
  }
}
