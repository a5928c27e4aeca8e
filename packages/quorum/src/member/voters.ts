/**
 * Who votes. A voter is a node together with the incarnation of its storage (KIP-853's directory id): the same node on an
 * empty disk is another one, because it has forgotten what it had promised.
 *
 * The set changes by records of the log, and the newest one counts as soon as it is appended, committed or not (Raft, section
 * 4.1). So the sets are kept by offset: one that is truncated away gives its place back to the one before.
 */
import { offset, type NodeId, type Offset, type Uuid } from '@odradek/protocol';

export interface VoterEndpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface Voter {
  readonly id: NodeId;
  readonly incarnation: Uuid;
  /** For the shell of other members; the ensemble itself knows nodes by id. */
  readonly endpoints?: readonly VoterEndpoint[];
}

/** In ascending order of the ids. Empty: not known, and nobody votes. */
export type VoterSet = readonly Voter[];

export const isVoterIn = (voters: VoterSet, id: NodeId, incarnation: Uuid): boolean =>
  voters.some((voter) => voter.id === id && voter.incarnation === incarnation);

export const idsOf = (voters: VoterSet): readonly NodeId[] => voters.map((voter) => voter.id);

export const withVoterAdded = (voters: VoterSet, voter: Voter): VoterSet =>
  [...voters, voter].sort((a, b) => a.id - b.id);

export const withVoterRemoved = (voters: VoterSet, id: NodeId): VoterSet =>
  voters.filter((voter) => voter.id !== id);

interface Entry {
  readonly offset: Offset;
  readonly voters: VoterSet;
}

export class VoterHistory {
  /** Before the first record. */
  #base: VoterSet;
  #isProvisional = true;
  #entries: readonly Entry[] = [];

  /** What the configuration says. */
  constructor(base: VoterSet) {
    this.#base = base;
  }

  /** No record and no snapshot says who votes. */
  get isProvisional(): boolean {
    return this.#isProvisional && this.#entries.length === 0;
  }

  /** All who are configured have shown themselves, each with its incarnation. */
  found(base: VoterSet): void {
    this.#base = base;
  }

  get latest(): VoterSet {
    return this.#entries.at(-1)?.voters ?? this.#base;
  }

  /** Of the record that made the latest set; -1: there is none. */
  get latestOffset(): Offset {
    return this.#entries.at(-1)?.offset ?? offset(-1);
  }

  /** As the records below `nextOffset` have it. */
  before(nextOffset: Offset): VoterSet {
    return this.#entries.findLast((entry) => entry.offset < nextOffset)?.voters ?? this.#base;
  }

  add(at: Offset, voters: VoterSet): void {
    this.#entries = [...this.#entries.filter((entry) => entry.offset < at), { offset: at, voters }];
  }

  /** The log ends at `end` now. */
  truncateTo(end: Offset): void {
    this.#entries = this.#entries.filter((entry) => entry.offset < end);
  }

  /** A snapshot stands in the log's place. */
  restart(base: VoterSet): void {
    this.#base = base;
    this.#isProvisional = false;
    this.#entries = [];
  }
}
