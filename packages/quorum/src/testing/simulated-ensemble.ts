/**
 * An ensemble in one thread, under virtual time: members with their disks and their logs, a network that loses, delays,
 * doubles and cuts, and the faults of an evening. Everything is drawn from one seed.
 *
 * A message is delivered whole or not at all; a dead process refuses at once, a cut link says nothing. An answer finds only
 * the life that has asked. Links may be cut in one direction.
 */
import { MemoryDisk } from '@odradek/storage/memory';
import { silentLogger, type Random } from '@odradek/ports';
import { seededRandom } from '@odradek/ports/testing';
import { nodeId, type NodeId, type Uuid } from '@odradek/protocol';
import { overTheWire } from './wire.ts';
import type { QuorumMutant } from '../member/mutants.ts';
import { partitionOf } from '../member/messages.ts';
import type { QuorumPeers } from '../member/peers.ts';
import { QuorumMember } from '../member/quorum-member.ts';
import { crc32c, openMetadataLog } from './ensemble.ts';
import { withMutants } from './index.ts';
import { Judge } from './judge.ts';
import { recordingLog, type Entry } from './recording-log.ts';
import { ELECTION_TIMEOUT_MS, FETCH_TIMEOUT_MS, SimulatedMember } from './simulated-member.ts';
import { VirtualTime } from './virtual-time.ts';

export interface EnsembleOptions {
  readonly seed: number;
  readonly voters: number;
  /** Nodes beyond the configured voters. */
  readonly observers?: number;
  readonly mutants?: readonly QuorumMutant[];
  readonly snapshotIntervalBytes?: number;
  readonly lossPercent?: number;
  readonly duplicatePercent?: number;
  readonly delayMsMax?: number;
  readonly syncMsMax?: number;
  readonly autoJoin?: boolean;
  /** Every message goes through Kafka's wire format, in its latest version. */
  readonly wire?: boolean;
}

type Ask = (member: QuorumMember) => Promise<unknown>;

export class SimulatedEnsemble {
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly members: SimulatedMember[];
  readonly judge: Judge;
  readonly trace: string[] = [];
  lossPercent: number;
  /** The next one that gives a vote loses its power over it, and is back at once. */
  isVoteDangerous = false;
  readonly #options: EnsembleOptions;
  readonly #cut = new Set<string>();
  readonly #voterIds: readonly NodeId[];

  constructor(options: EnsembleOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    this.lossPercent = options.lossPercent ?? 0;
    const count = options.voters + (options.observers ?? 0);
    const ids = Array.from({ length: count }, (_, n) => nodeId(n + 1));
    this.#voterIds = ids.slice(0, options.voters);
    this.members = ids.map((id) => new SimulatedMember(id, this.#newDisk(), this.#newId()));
    this.judge = new Judge(this);
  }

  /** In [0, below). */
  draw(below: number): number {
    return this.random.uint32() % below;
  }

  chance(percent: number): boolean {
    return this.draw(10_000) < percent * 100;
  }

  pick<T>(among: readonly T[]): T {
    return among[this.draw(among.length)]!;
  }

  note(what: string): void {
    this.trace.push(`${Math.round(this.time.nowMs)} ${what}`);
  }

  get leader(): SimulatedMember | undefined {
    const leaders = this.members.filter((it) => it.isUp && it.member?.snapshot.role === 'leader');
    return leaders.sort((a, b) => b.member!.snapshot.epoch - a.member!.snapshot.epoch)[0];
  }

  async run(forMs: number): Promise<void> {
    await this.time.run(this.time.nowMs + forMs, () => this.judge.look());
  }

  /** False: not within that time. */
  async runUntil(isSo: () => boolean, atMostMs: number): Promise<boolean> {
    const endMs = this.time.nowMs + atMostMs;
    while (!isSo() && this.time.nowMs < endMs)
      await this.run(Math.min(20, endMs - this.time.nowMs));
    return isSo();
  }

  // Processes.

  startAll(): void {
    for (const it of this.members) if (!it.isUp) this.start(it);
  }

  start(it: SimulatedMember): void {
    it.life += 1;
    it.isUp = true;
    it.startError = undefined;
    const { life } = it;
    this.note(`${it.id} starts`);
    this.judge.started(it);
    this.#boot(it, life).catch((error: unknown) => {
      if (it.life === life && it.isUp) it.startError = error;
    });
  }

  async #boot(it: SimulatedMember, life: number): Promise<void> {
    const isAlive = (): boolean => it.life === life && it.isUp;
    const volume = it.disk.mount();
    it.volume = volume;
    const partitionLog = await openMetadataLog(volume, {
      segmentBytes: 4096,
      fileDeleteDelayMs: 0,
    });
    const log = await recordingLog(partitionLog, (entry: Entry) => this.judge.appended(it, entry));
    if (!isAlive()) return;
    const member = await QuorumMember.start(
      withMutants(
        {
          nodeId: it.id,
          voters: this.#voterIds,
          incarnation: it.incarnation,
          volume,
          log,
          clock: this.time.clock(isAlive, 1 + (this.draw(21) - 10) / 1000),
          random: seededRandom(this.random.uint32()),
          logger: silentLogger,
          crc32c,
          peers: this.#peersOf(it, life),
          clusterId: () => 'simulated',
          electionTimeoutMs: ELECTION_TIMEOUT_MS,
          fetchTimeoutMs: FETCH_TIMEOUT_MS,
          snapshotIntervalBytes: this.#options.snapshotIntervalBytes ?? 1_000_000,
          autoJoin: this.#options.autoJoin ?? true,
        },
        this.#options.mutants ?? [],
      ),
    );
    if (!isAlive()) return;
    it.log = log;
    it.member = member;
    member.subscribe(({ role, epoch }) => {
      if (isAlive()) this.note(`${it.id} is ${role} in epoch ${epoch}`);
    });
    member.onChange((_, offset) => {
      if (isAlive()) this.judge.told(it, offset);
    });
  }

  /** The power goes; `isKilled`: only the process dies, but its disk has lost as much. */
  crash(it: SimulatedMember, { isKilled = false } = {}): void {
    if (!it.isUp) return;
    if (isKilled) for (const refuse of it.asked) refuse();
    it.asked.clear();
    this.note(`${it.id} crashes`);
    it.flushedOffset = it.log?.flushedOffset ?? it.flushedOffset;
    it.isUp = false;
    it.member = undefined;
    it.log = undefined;
    it.disk.crash();
  }

  /** Its storage is lost: what starts in its place is another incarnation. */
  wipe(it: SimulatedMember): void {
    this.crash(it);
    this.note(`${it.id} has lost its storage`);
    it.lost.set(it.incarnation, it.flushedOffset);
    it.disk = this.#newDisk();
    it.incarnation = this.#newId();
    it.flushedOffset = 0;
  }

  // The network.

  /** What `from` sends does not reach `to`. */
  cut(from: SimulatedMember, to: SimulatedMember): void {
    this.#cut.add(`${from.id}>${to.id}`);
  }

  isolate(it: SimulatedMember): void {
    this.note(`${it.id} is cut off`);
    for (const other of this.members) {
      this.cut(it, other);
      this.cut(other, it);
    }
  }

  /** Two camps that do not hear each other. */
  split(camp: readonly SimulatedMember[]): void {
    this.note(`${camp.map((it) => it.id).join()} are split off`);
    for (const a of camp)
      for (const b of this.members.filter((it) => !camp.includes(it))) {
        this.cut(a, b);
        this.cut(b, a);
      }
  }

  heal(): void {
    if (this.#cut.size > 0) this.note('the network heals');
    this.#cut.clear();
  }

  reaches(from: SimulatedMember, to: SimulatedMember): boolean {
    return !this.#cut.has(`${from.id}>${to.id}`);
  }

  #peersOf(from: SimulatedMember, life: number): QuorumPeers {
    const send = <T>(to: NodeId, ask: Ask): Promise<T> =>
      new Promise<T>((resolve, reject) =>
        this.#send(from, life, to, ask, resolve as never, reject),
      );
    const peers: QuorumPeers = {
      vote: async (to, request) => {
        const answer = await send<Awaited<ReturnType<QuorumMember['answerVote']>>>(to, (it) =>
          it.answerVote(request).then((given) => {
            const asked = partitionOf(request)!;
            if (partitionOf(given)?.voteGranted === true && !asked.preVote)
              this.#hasVoted(to, asked.replicaEpoch, asked.replicaId);
            return given;
          }),
        );
        return answer;
      },
      beginQuorumEpoch: (to, request) => send(to, (it) => it.answerBeginQuorumEpoch(request)),
      endQuorumEpoch: (to, request) => send(to, (it) => it.answerEndQuorumEpoch(request)),
      fetch: (to, request) => send(to, (it) => it.answerFetch(request)),
      fetchSnapshot: (to, request) => send(to, (it) => it.answerFetchSnapshot(request)),
    };
    return this.#options.wire === true ? overTheWire(peers) : peers;
  }

  #hasVoted(voter: NodeId, epoch: number, candidate: number): void {
    this.judge.voted(voter, epoch, candidate);
    if (!this.isVoteDangerous) return;
    this.isVoteDangerous = false;
    const it = this.members.find((member) => member.id === voter)!;
    const { life } = it;
    this.time.after(this.draw(10), () => {
      if (it.isUp && it.life === life) this.crash(it);
      if (!it.isUp) this.start(it);
    });
  }

  #send(
    from: SimulatedMember,
    life: number,
    toId: NodeId,
    ask: Ask,
    resolve: (answer: unknown) => void,
    reject: (error: Error) => void,
  ): void {
    const to = this.members.find((it) => it.id === toId);
    if (to === undefined) return reject(new Error(`there is no node ${toId}`));
    const isWaiting = (): boolean => from.isUp && from.life === life;
    const copies = this.chance(this.#options.duplicatePercent ?? 0) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#isLost(from, to)) continue;
      this.time.after(this.#delayMs(), () => {
        if (!this.reaches(from, to)) return;
        const { life: toLife, member } = to;
        const answer = (deliver: () => void): void => {
          if (this.#isLost(to, from)) return;
          this.time.after(this.#delayMs(), () => {
            if (isWaiting() && this.reaches(to, from)) deliver();
          });
        };
        if (!to.isUp || member === undefined)
          return answer(() => reject(new Error(`node ${toId} refuses the connection`)));
        // A process that dies closes its connections; a machine that does says nothing more.
        const refuse = (): void => answer(() => reject(new Error(`node ${toId} has closed`)));
        to.asked.add(refuse);
        ask(member).then(
          (given) => {
            to.asked.delete(refuse);
            if (to.isUp && to.life === toLife) answer(() => resolve(given));
          },
          (error: Error) => {
            to.asked.delete(refuse);
            answer(() => reject(error));
          },
        );
      });
    }
  }

  #isLost(from: SimulatedMember, to: SimulatedMember): boolean {
    return !this.reaches(from, to) || this.chance(this.lossPercent);
  }

  #delayMs(): number {
    return 0.5 + this.draw(1000 * (this.#options.delayMsMax ?? 5)) / 1000;
  }

  #newId(): Uuid {
    return Buffer.from(this.random.bytes(16)).toString('hex') as Uuid;
  }

  #newDisk(): MemoryDisk {
    const syncMsMax = this.#options.syncMsMax ?? 3;
    return new MemoryDisk({
      random: seededRandom(this.random.uint32()),
      traits: { durability: 'disk' },
      pace: (operation) => {
        if (operation !== 'sync' && operation !== 'replace') return undefined;
        const ms = this.draw(1000 * syncMsMax) / 1000;
        return new Promise((resolve) => void this.time.after(ms, resolve));
      },
    });
  }
}
