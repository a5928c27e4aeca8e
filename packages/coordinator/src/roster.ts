/**
 * A group's members, and the rules of who leads, which protocol they share and who may stay. Plain data and computation: no time, no
 * messages, no log. Replies that members wait for are kept with them, as opaque functions, because having one is what "joined" means.
 */
import type { GroupMetadata, MemberMetadata } from './records/records.ts';
import type { RosterFacts } from './group.machine.ts';
import type { JoinGroupReply, SyncGroupReply } from './messages.ts';
import { CONSUMER_PROTOCOL_TYPE, subscribedTopics } from './subscription.ts';

export type Answer<T> = (reply: T) => void;

export interface Protocol {
  readonly name: string;
  /** Opaque: the clients' own. */
  readonly metadata: Uint8Array;
}

export interface Member {
  readonly memberId: string;
  /** KIP-345: the name under which a static member comes back. */
  readonly groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** Ordered by preference; no name twice. */
  protocols: readonly Protocol[];
  assignment: Uint8Array;
  /** Has not had its first join answer, so that it cannot send heartbeats. */
  isNew: boolean;
  /** Has not sent the SyncGroup of this generation. */
  owesSync: boolean;
  /** When it must have been heard of (Clock.monotonicMs); see sessions.ts. */
  sessionDeadlineMs: number;
  join: Answer<JoinGroupReply> | undefined;
  sync: Answer<SyncGroupReply> | undefined;
}

export const NO_ASSIGNMENT = new Uint8Array(0);

export type NewMember = Pick<
  Member,
  | 'memberId'
  | 'groupInstanceId'
  | 'clientId'
  | 'clientHost'
  | 'rebalanceTimeoutMs'
  | 'sessionTimeoutMs'
  | 'protocols'
>;

export type JoinPhaseEnd =
  /** The next generation, of those who are here. */
  | { readonly type: 'generation.begun'; readonly removed: readonly Member[] }
  | { readonly type: 'generation.emptied'; readonly removed: readonly Member[] }
  /** Nobody is here, but static members are awaited. */
  | { readonly type: 'join.postponed'; readonly removed: readonly Member[] };

export class Roster {
  readonly #members = new Map<string, Member>();
  /** Group instance id to member id. */
  readonly #statics = new Map<string, string>();
  /** How many members support a protocol. */
  readonly #supporters = new Map<string, number>();
  /** Member ids that were handed out and not used yet, and when they expire (Clock.monotonicMs). */
  readonly pending = new Map<string, number>();
  generation = 0;
  /** Null: no member ever joined. */
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  /** What this generation consumes; undefined when that is not known. */
  topics: ReadonlySet<string> | undefined = undefined;

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** As the log has it. Members appear to support the selected protocol alone; their next JoinGroup says more. */
  static restore(metadata: GroupMetadata): Roster {
    const roster = new Roster();
    for (const stored of metadata.members) {
      const protocols = [{ name: metadata.protocolName ?? '', metadata: stored.subscription }];
      const member = roster.add({ ...stored, protocols }, metadata.protocolType);
      member.assignment = stored.assignment;
      member.isNew = false;
    }
    roster.generation = metadata.generation;
    roster.protocolType = metadata.protocolType === '' ? null : metadata.protocolType;
    roster.protocolName = metadata.protocolName ?? (metadata.members.length > 0 ? '' : null);
    roster.leaderId = metadata.leaderId;
    roster.topics = roster.#subscribedTopics();
    return roster;
  }

  facts(): RosterFacts {
    let rebalanceTimeoutMs = 0;
    let awaitingJoin = 0;
    for (const member of this.#members.values()) {
      if (member.rebalanceTimeoutMs > rebalanceTimeoutMs)
        rebalanceTimeoutMs = member.rebalanceTimeoutMs;
      if (member.join !== undefined) awaitingJoin++;
    }
    return {
      memberCount: this.#members.size,
      everyoneJoined: awaitingJoin === this.#members.size && this.pending.size === 0,
      rebalanceTimeoutMs,
    };
  }

  awaitingJoinCount(): number {
    let count = 0;
    for (const member of this.#members.values()) if (member.join !== undefined) count++;
    return count;
  }

  member(memberId: string): Member | undefined {
    return this.#members.get(memberId);
  }

  staticMember(groupInstanceId: string): Member | undefined {
    const memberId = this.#statics.get(groupInstanceId);
    return memberId === undefined ? undefined : this.#members.get(memberId);
  }

  /** The first member decides what type of protocol the group speaks. */
  add(joining: NewMember, protocolType: string): Member {
    if (this.#members.size === 0) this.protocolType = protocolType;
    const member: Member = {
      memberId: joining.memberId,
      groupInstanceId: joining.groupInstanceId,
      clientId: joining.clientId,
      clientHost: joining.clientHost,
      rebalanceTimeoutMs: joining.rebalanceTimeoutMs,
      sessionTimeoutMs: joining.sessionTimeoutMs,
      protocols: joining.protocols,
      assignment: NO_ASSIGNMENT,
      isNew: true,
      owesSync: false,
      sessionDeadlineMs: Infinity,
      join: undefined,
      sync: undefined,
    };
    this.pending.delete(member.memberId);
    this.#members.set(member.memberId, member);
    if (member.groupInstanceId !== null) this.#statics.set(member.groupInstanceId, member.memberId);
    this.#count(member.protocols, 1);
    this.leaderId ??= member.memberId;
    return member;
  }

  setProtocols(member: Member, protocols: readonly Protocol[]): void {
    this.#count(member.protocols, -1);
    member.protocols = protocols;
    this.#count(protocols, 1);
  }

  remove(member: Member): void {
    this.#members.delete(member.memberId);
    this.#count(member.protocols, -1);
    const { groupInstanceId } = member;
    if (groupInstanceId !== null && this.#statics.get(groupInstanceId) === member.memberId)
      this.#statics.delete(groupInstanceId);
    if (this.leaderId === member.memberId)
      this.leaderId = this.#members.keys().next().value ?? null;
  }

  /** The static member goes on under another id, with its place, its assignment and, if it led, its lead. Its old self is fenced by the caller. */
  replace(old: Member, joining: NewMember): Member {
    const wasLeader = this.leaderId === old.memberId;
    this.#members.delete(old.memberId);
    this.#count(old.protocols, -1);
    const member = this.add(joining, this.protocolType ?? '');
    member.assignment = old.assignment;
    member.owesSync = old.owesSync;
    member.isNew = false;
    if (wasLeader) this.leaderId = member.memberId;
    return member;
  }

  /** Is there a protocol of that type which all members have, and the joining one too? An empty group takes any. */
  supports(protocolType: string, protocols: readonly Protocol[], isGroupEmpty: boolean): boolean {
    if (isGroupEmpty) return protocolType !== '' && protocols.length > 0;
    if (protocolType !== this.protocolType) return false;
    return protocols.some(({ name }) => (this.#supporters.get(name) ?? 0) === this.#members.size);
  }

  /** The protocol that the next generation would use if `member` joined with `protocols`. */
  protocolWith(member: Member, protocols: readonly Protocol[]): string | null {
    return selectProtocol(
      [...this.#members.values()].map((each) => (each === member ? protocols : each.protocols)),
    );
  }

  /** Drops those who are absent, except static members, finds a leader among those who are here, and counts the generation. */
  closeJoinPhase(): JoinPhaseEnd {
    const removed = [...this.#members.values()].filter(
      (member) => member.join === undefined && member.groupInstanceId === null,
    );
    for (const member of removed) this.remove(member);
    if (this.#members.size === 0) {
      this.generation++;
      this.protocolName = null;
      this.leaderId = null;
      this.topics = this.#subscribedTopics();
      return { type: 'generation.emptied', removed };
    }
    if (!this.#electJoinedLeader()) return { type: 'join.postponed', removed };
    this.generation++;
    this.protocolName = selectProtocol(
      [...this.#members.values()].map((member) => member.protocols),
    );
    this.topics = this.#subscribedTopics();
    return { type: 'generation.begun', removed };
  }

  /** What the log is to keep of this generation. */
  metadata(stateTimestampMs: number, assignmentOf: (member: Member) => Uint8Array): GroupMetadata {
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generation,
      protocolName: this.protocolName,
      leaderId: this.leaderId,
      stateTimestampMs,
      members: [...this.#members.values()].map((member) =>
        this.#memberMetadata(member, assignmentOf(member)),
      ),
    };
  }

  /** A member's metadata for the selected protocol. */
  subscription(member: Member): Uint8Array {
    return metadataFor(member.protocols, this.protocolName);
  }

  /** A consumer group whose topics are not known is taken to consume them all. */
  isSubscribedTo(topic: string): boolean {
    return this.topics === undefined
      ? this.protocolType === CONSUMER_PROTOCOL_TYPE
      : this.topics.has(topic);
  }

  #count(protocols: readonly Protocol[], change: 1 | -1): void {
    for (const { name } of protocols) {
      const count = (this.#supporters.get(name) ?? 0) + change;
      if (count === 0) this.#supporters.delete(name);
      else this.#supporters.set(name, count);
    }
  }

  #memberMetadata(member: Member, assignment: Uint8Array): MemberMetadata {
    const {
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      rebalanceTimeoutMs,
      sessionTimeoutMs,
    } = member;
    return {
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      rebalanceTimeoutMs,
      sessionTimeoutMs,
      subscription: this.subscription(member),
      assignment,
    };
  }

  #electJoinedLeader(): boolean {
    const leader = this.leaderId === null ? undefined : this.#members.get(this.leaderId);
    if (leader?.join !== undefined) return true;
    for (const member of this.#members.values()) {
      if (member.join === undefined) continue;
      this.leaderId = member.memberId;
      return true;
    }
    return false;
  }

  #subscribedTopics(): ReadonlySet<string> | undefined {
    if (this.protocolType !== CONSUMER_PROTOCOL_TYPE) return undefined;
    if (this.#members.size === 0) return new Set();
    if (this.protocolName === null) return undefined;
    return subscribedTopics([...this.#members.values()].map((member) => this.subscription(member)));
  }
}

/** A member's metadata for a protocol that it must support. */
export function metadataFor(protocols: readonly Protocol[], name: string | null): Uint8Array {
  const protocol = protocols.find((each) => each.name === name);
  if (protocol === undefined)
    throw new Error(`a member does not support the group's protocol ${name}`);
  return protocol.metadata;
}

/** Among the protocols that all have, each votes for the one it prefers; the first with the most votes wins. */
function selectProtocol(lists: readonly (readonly Protocol[])[]): string | null {
  const shared = sharedNames(lists);
  const votes = new Map<string, number>();
  for (const protocols of lists) {
    const vote = protocols.find(({ name }) => shared.has(name));
    if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
  }
  let winner: string | null = null;
  let most = 0;
  for (const [name, count] of votes) {
    if (count > most) [winner, most] = [name, count];
  }
  return winner;
}

function sharedNames(lists: readonly (readonly Protocol[])[]): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const protocols of lists) {
    for (const { name } of protocols) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count === lists.length).map(([name]) => name));
}
