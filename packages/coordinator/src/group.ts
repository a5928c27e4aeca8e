/**
 * One consumer group: the shell around its machine and its roster. Requests are decided on what both say, then done: the roster
 * changes, the machine is told, and what the machine orders (effects) sends answers and records.
 *
 * What the group is in memory runs ahead of the log: members, joins and the generation that is being formed. What the log says is the
 * image's; of it the group takes assignments and new static member ids only when they are committed.
 *
 * Long, because requests and effects are two sides of one thing: what the ones begin the others end.
 */
import { ErrorCode } from '@odradek/protocol';
import type { Clock, Logger, Random } from '@odradek/ports';
import { NEW_MEMBER_JOIN_TIMEOUT_MS } from './config.ts';
import type { GroupConfig } from './config.ts';
import { phaseOf } from './group-actors.ts';
import type { GroupActor, GroupActors, GroupEffects } from './group-actors.ts';
import type { GroupEvent, GroupPhase } from './group.machine.ts';
import { decideJoin, rebalanceTimeoutMs } from './join-decision.ts';
import type { JoinDecision } from './join-decision.ts';
import { validateMember } from './member-check.ts';
import { newMemberId } from './member-id.ts';
import type {
  HeartbeatRequest,
  JoinGroupReply,
  JoinGroupRequest,
  LeaveGroupRequest,
  RequestContext,
  SyncGroupReply,
  SyncGroupRequest,
} from './messages.ts';
import type { CoordinatorRecord, GroupMetadata } from './records/records.ts';
import {
  answerJoin,
  answerSync,
  dismiss,
  groupErrorOf,
  joinRefusal,
  joinReply,
  NO_MEMBER_ID,
  returnReply,
  syncRefusal,
  syncReply,
} from './replies.ts';
import { NO_ASSIGNMENT, Roster } from './roster.ts';
import type { Answer, Member, NewMember, Protocol } from './roster.ts';
import { Sessions } from './sessions.ts';
import type { Expired } from './sessions.ts';
import { StaticReplacements } from './static-replacements.ts';
import type { StaticReplacement } from './static-replacements.ts';

export interface GroupServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly actors: GroupActors;
  config(): GroupConfig;
  /** Settles later, never before it returns: when the records are committed and replayed, or with what clients shall be told. */
  append(records: readonly CoordinatorRecord[], settled: (errorCode: ErrorCode) => void): void;
  /** The last that was committed. */
  storedMetadata(groupId: string): GroupMetadata | undefined;
  /** Nothing is left that the log does not have: the group may be closed. */
  onIdle(group: Group): void;
  /** An invariant of this group does not hold. */
  onBroken(group: Group, error: unknown): void;
}

export type LeavingMember = LeaveGroupRequest['members'][number];

export interface LeftMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly errorCode: ErrorCode;
}

export class Group implements GroupEffects {
  readonly groupId: string;
  readonly roster: Roster;
  /** When the group came into its state (wall time). */
  stateTimestampMs: number;
  readonly #services: GroupServices;
  readonly #actor: GroupActor;
  readonly #sessions: Sessions;
  readonly #replacements = new StaticReplacements();
  #isSettlingReplacements = false;
  #seen: ReturnType<GroupActor['getSnapshot']> | undefined;
  #phase: GroupPhase = 'Dead';
  /** The leader's assignment, from its arrival until it is handed to the log. */
  #assignments: ReadonlyMap<string, Uint8Array> = new Map();
  #appendsInFlight = 0;

  constructor(groupId: string, services: GroupServices) {
    const stored = services.storedMetadata(groupId);
    this.groupId = groupId;
    this.#services = services;
    this.roster = stored === undefined ? new Roster() : Roster.restore(stored);
    this.#sessions = new Sessions(services.clock, this.roster, (expired) =>
      this.#removeExpired(expired),
    );
    this.stateTimestampMs = services.clock.wallTimeMs();
    const input = {
      roster: this.roster.facts(),
      initialRebalanceDelayMs: services.config().initialRebalanceDelayMs,
    };
    this.#actor = services.actors.create(input, this, (error) => services.onBroken(this, error));
    this.#actor.start();
    if (stored !== undefined && stored.stateTimestampMs !== -1)
      this.stateTimestampMs = stored.stateTimestampMs;
    for (const member of this.roster.members.values()) this.#sessions.renew(member);
  }

  get phase(): GroupPhase {
    const snapshot = this.#actor.getSnapshot();
    if (snapshot !== this.#seen) {
      this.#seen = snapshot;
      this.#phase = phaseOf(snapshot);
    }
    return this.#phase;
  }

  /** Empty, with nothing on its way to the log. */
  get isIdle(): boolean {
    return this.phase === 'Empty' && this.roster.pending.size === 0 && this.#appendsInFlight === 0;
  }

  join(request: JoinGroupRequest, context: RequestContext, answer: Answer<JoinGroupReply>): void {
    const { random } = this.#services;
    const decision = decideJoin({
      roster: this.roster,
      phase: this.phase,
      config: this.#services.config(),
      request,
      context,
      newMemberId: (prefix) => newMemberId(prefix, random),
    });
    this.#doJoin(decision, request, context, answer);
    this.#reportIfIdle();
  }

  sync(request: SyncGroupRequest, answer: Answer<SyncGroupReply>): void {
    const { roster, phase } = this;
    if (phase === 'Dead') return answer(syncRefusal(ErrorCode.COORDINATOR_NOT_AVAILABLE));
    const { errorCode, member } = validateMember(roster, request.memberId, request.groupInstanceId);
    if (member === undefined) return answer(syncRefusal(errorCode));
    if (request.generationId !== roster.generation)
      return answer(syncRefusal(ErrorCode.ILLEGAL_GENERATION));
    if (
      differs(request.protocolType, roster.protocolType) ||
      differs(request.protocolName, roster.protocolName)
    ) {
      return answer(syncRefusal(ErrorCode.INCONSISTENT_GROUP_PROTOCOL));
    }
    if (phase === 'PreparingRebalance') return answer(syncRefusal(ErrorCode.REBALANCE_IN_PROGRESS));
    member.owesSync = false;
    if (phase === 'Stable') return answer(syncReply(roster, member));
    // A second SyncGroup takes the place of the first, whose client has given up on it.
    member.sync?.(syncRefusal(ErrorCode.REBALANCE_IN_PROGRESS));
    member.sync = answer;
    if (member.memberId !== roster.leaderId) return;
    this.#assignments = new Map(
      request.assignments.map(({ memberId, assignment }) => [memberId, assignment.slice()]),
    );
    this.#send({ type: 'assignment.received' });
  }

  heartbeat(request: HeartbeatRequest): ErrorCode {
    const { phase } = this;
    if (phase === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    const { errorCode, member } = validateMember(
      this.roster,
      request.memberId,
      request.groupInstanceId,
    );
    if (member === undefined) return errorCode;
    if (request.generationId !== this.roster.generation) return ErrorCode.ILLEGAL_GENERATION;
    this.#sessions.renew(member);
    return phase === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
  }

  /** Kafka's rules for who may commit offsets. A commit of a member counts as a heartbeat. */
  acceptCommit(memberId: string, groupInstanceId: string | null, generation: number): ErrorCode {
    const { phase } = this;
    if (phase === 'Dead') return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    // Administrators, and consumers that assign themselves: as long as nobody else does.
    if (generation < 0 && phase === 'Empty') return ErrorCode.NONE;
    if (generation < 0 && memberId === NO_MEMBER_ID && groupInstanceId === null)
      return ErrorCode.UNKNOWN_MEMBER_ID;
    const { errorCode, member } = validateMember(this.roster, memberId, groupInstanceId);
    if (member === undefined) return errorCode;
    if (generation !== this.roster.generation) return ErrorCode.ILLEGAL_GENERATION;
    // The member knows the new generation already, but not yet what it is to consume in it.
    if (phase === 'CompletingRebalance') return ErrorCode.REBALANCE_IN_PROGRESS;
    this.#sessions.renew(member);
    return ErrorCode.NONE;
  }

  leave(leaving: readonly LeavingMember[]): readonly LeftMember[] {
    let hasLeft = false;
    let hasPendingLeft = false;
    const left = leaving.map(({ memberId, groupInstanceId, reason }): LeftMember => {
      if (this.roster.pending.delete(memberId)) {
        hasPendingLeft = true;
        return { memberId, groupInstanceId, errorCode: ErrorCode.NONE };
      }
      const { errorCode, member } = this.#leavingMember(memberId, groupInstanceId);
      if (member !== undefined) {
        hasLeft = true;
        this.#log('member left', { memberId: member.memberId, groupInstanceId, reason });
        this.#remove(member, ErrorCode.UNKNOWN_MEMBER_ID);
      }
      return { memberId, groupInstanceId, errorCode };
    });
    if (hasLeft) this.#tell('member.left');
    else if (hasPendingLeft) this.#tell('pending.changed');
    this.#reportIfIdle();
    return left;
  }

  /** Lets all members join anew, and those go for whom there is no place. */
  rebalance(): void {
    this.#tell('rebalance.requested');
  }

  /** The log has nothing of the group any more. Unless members came meanwhile, it begins anew. */
  forget(): void {
    if (this.phase !== 'Empty') return;
    this.roster.generation = 0;
    this.roster.protocolType = null;
    this.#reportIfIdle();
  }

  /** Everybody who waits is answered; nothing happens any more. */
  close(errorCode: ErrorCode): void {
    this.#send({ type: 'group.closed', errorCode });
  }

  // Effects.

  stampStateChange(): void {
    this.stateTimestampMs = this.#services.clock.wallTimeMs();
  }

  closeJoinPhase(): void {
    const { type, removed } = this.roster.closeJoinPhase();
    if (removed.length > 0)
      this.#log('removed members that did not rejoin', {
        memberIds: removed.map((member) => member.memberId),
      });
    for (const member of removed) dismiss(member, ErrorCode.UNKNOWN_MEMBER_ID);
    this.#send(type === 'generation.emptied' ? { type } : { type, roster: this.roster.facts() });
  }

  announceGeneration(): void {
    const { roster } = this;
    this.#log('generation begun', {
      members: roster.members.size,
      leader: roster.leaderId,
      protocol: roster.protocolName,
    });
    for (const member of roster.members.values()) {
      member.isNew = false;
      member.owesSync = true;
      this.#sessions.renew(member);
      answerJoin(member, joinReply(roster, member));
    }
  }

  storeEmptyGroup(): void {
    // The state changes as this is called; its time is now.
    const metadata = this.roster.metadata(this.#services.clock.wallTimeMs(), () => NO_ASSIGNMENT);
    this.#append(metadata, (errorCode) => {
      // The log then has the generation before this one; if it is ever loaded, its members expire.
      if (errorCode !== ErrorCode.NONE)
        this.#services.logger.warn('an empty group could not be stored', {
          groupId: this.groupId,
          errorCode,
        });
    });
  }

  storeAssignment(): void {
    const { roster } = this;
    const { generation } = roster;
    const assignments = this.#assignments;
    this.#assignments = new Map();
    const metadata = roster.metadata(
      this.stateTimestampMs,
      (member) => assignments.get(member.memberId) ?? NO_ASSIGNMENT,
    );
    this.#append(metadata, (errorCode) => {
      // Others may have joined meanwhile. Then this generation is over, whatever became of it.
      if (roster.generation !== generation) return;
      this.#send(
        errorCode === ErrorCode.NONE
          ? { type: 'assignment.stored' }
          : { type: 'assignment.refused', errorCode, roster: roster.facts() },
      );
    });
  }

  deliverAssignments(): void {
    const { roster } = this;
    for (const { memberId, assignment } of this.#services.storedMetadata(this.groupId)?.members ??
      []) {
      const member = roster.member(memberId);
      if (member !== undefined) member.assignment = assignment;
    }
    for (const member of roster.members.values()) {
      if (member.sync !== undefined) this.#sessions.renew(member);
      answerSync(member, syncReply(roster, member));
    }
  }

  refuseSyncs(errorCode: ErrorCode): void {
    for (const member of this.roster.members.values()) {
      member.assignment = NO_ASSIGNMENT;
      if (member.sync !== undefined) this.#sessions.renew(member);
      answerSync(member, syncRefusal(errorCode));
    }
  }

  expirePendingSyncs(): void {
    const late = [...this.roster.members.values()].filter((member) => member.owesSync);
    if (late.length === 0) return;
    this.#log('removed members that did not sync', {
      memberIds: late.map((member) => member.memberId),
    });
    for (const member of late) this.#remove(member, ErrorCode.UNKNOWN_MEMBER_ID);
    this.#tell('member.left');
  }

  storeReplacement(): void {
    const metadata = this.#replacements.start(this.roster, this.stateTimestampMs);
    this.#append(metadata, (errorCode) =>
      this.#settleReplacements(this.#replacements.end(), errorCode),
    );
  }

  dismissEveryone(errorCode: ErrorCode): void {
    this.#sessions.stop();
    for (const member of this.roster.members.values()) {
      answerJoin(member, joinRefusal(member.memberId, errorCode));
      answerSync(member, syncRefusal(errorCode));
    }
    for (const { answer } of [...this.#replacements.end(), ...this.#replacements.takeWaiting()])
      answer(joinRefusal(NO_MEMBER_ID, errorCode));
  }

  // The parts of the above.

  #doJoin(
    decision: JoinDecision,
    request: JoinGroupRequest,
    context: RequestContext,
    answer: Answer<JoinGroupReply>,
  ): void {
    const { roster } = this;
    switch (decision.type) {
      case 'answer':
        return answer(decision.reply);
      case 'turnAway':
        this.#removeTurnedAway(request.memberId);
        return answer(joinRefusal(NO_MEMBER_ID, ErrorCode.GROUP_MAX_SIZE_REACHED));
      case 'handOutMemberId': {
        this.#sessions.awaitUse(decision.memberId, request.sessionTimeoutMs);
        this.#tell('pending.changed');
        return answer(joinRefusal(decision.memberId, ErrorCode.MEMBER_ID_REQUIRED));
      }
      case 'admit': {
        const member = roster.add(decision.joining, decision.protocolType);
        member.join = answer;
        this.#sessions.renew(member, NEW_MEMBER_JOIN_TIMEOUT_MS);
        this.#log('member joins', {
          memberId: member.memberId,
          groupInstanceId: member.groupInstanceId,
          reason: request.reason,
        });
        return this.#send({ type: 'member.joined', roster: roster.facts(), isNew: true });
      }
      case 'update':
        return this.#update(decision.member, decision.protocols, request, context, answer);
      case 'replace': {
        const replacement = {
          old: decision.old,
          joining: decision.joining,
          leaderId: roster.leaderId,
          request,
          context,
          answer,
        };
        if (!decision.isQuiet) return this.#replaceAndRebalance(replacement);
        this.#replacements.add(replacement);
        if (!this.#isSettlingReplacements) this.#startReplacements();
      }
    }
  }

  #update(
    member: Member,
    protocols: readonly Protocol[],
    request: JoinGroupRequest,
    context: RequestContext,
    answer: Answer<JoinGroupReply>,
  ): void {
    this.roster.setProtocols(member, protocols);
    member.rebalanceTimeoutMs = rebalanceTimeoutMs(request, context);
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    // A second JoinGroup takes the place of the first, whose client has given up on it.
    answerJoin(member, joinRefusal(member.memberId, ErrorCode.REBALANCE_IN_PROGRESS));
    member.join = answer;
    this.#log('member rejoins', {
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      reason: request.reason,
    });
    this.#send({ type: 'member.joined', roster: this.roster.facts(), isNew: false });
  }

  #replaceAndRebalance({ old, joining, answer }: StaticReplacement): void {
    const member = this.#replace(old, joining);
    member.join = answer;
    this.#send({ type: 'member.joined', roster: this.roster.facts(), isNew: false });
  }

  #replace(old: Member, joining: NewMember): Member {
    this.#log('static member returns', {
      groupInstanceId: joining.groupInstanceId,
      memberId: joining.memberId,
      formerMemberId: old.memberId,
    });
    dismiss(old, ErrorCode.FENCED_INSTANCE_ID);
    const member = this.roster.replace(old, joining);
    this.#sessions.renew(member);
    return member;
  }

  #startReplacements(): void {
    if (this.#replacements.canStart) this.#send({ type: 'replacement.requested' });
  }

  /** The new ids are in the log, or are not. */
  #settleReplacements(stored: readonly StaticReplacement[], errorCode: ErrorCode): void {
    this.#send({ type: 'replacement.settled' });
    this.#isSettlingReplacements = true;
    for (const replacement of stored) this.#settleReplacement(replacement, errorCode);
    // What was decided for those that wait may no longer hold.
    for (const { request, context, answer } of this.#replacements.takeWaiting())
      this.join(request, context, answer);
    this.#isSettlingReplacements = false;
    this.#startReplacements();
  }

  #settleReplacement(
    { old, joining, leaderId, request, context, answer }: StaticReplacement,
    errorCode: ErrorCode,
  ): void {
    const { roster } = this;
    if (errorCode !== ErrorCode.NONE) {
      const { protocolType, protocolName } = roster;
      answer({
        ...joinRefusal(NO_MEMBER_ID, errorCode),
        generationId: roster.generation,
        protocolType,
        protocolName,
        leader: leaderId ?? '',
      });
    } else if (this.phase === 'Stable' && roster.member(old.memberId) === old) {
      // The same generation: the next would be stored behind this.
      answer(returnReply(roster, this.#replace(old, joining), leaderId, context));
    } else {
      // A rebalance began meanwhile, or another took the name: it joins like any other.
      this.join(request, context, answer);
    }
  }

  #removeTurnedAway(memberId: string): void {
    const member = this.roster.member(memberId);
    if (member !== undefined) {
      this.#remove(member, ErrorCode.GROUP_MAX_SIZE_REACHED);
      this.#tell('member.left');
    } else if (this.roster.pending.delete(memberId)) {
      this.#tell('pending.changed');
    }
  }

  /** An administrator names a static member without knowing its id. */
  #leavingMember(
    memberId: string,
    groupInstanceId: string | null,
  ): ReturnType<typeof validateMember> {
    const holder =
      memberId === NO_MEMBER_ID && groupInstanceId !== null
        ? this.roster.staticMember(groupInstanceId)
        : undefined;
    return validateMember(this.roster, holder?.memberId ?? memberId, groupInstanceId);
  }

  #remove(member: Member, errorCode: ErrorCode): void {
    dismiss(member, errorCode);
    this.roster.remove(member);
  }

  #append(metadata: GroupMetadata, settled: (errorCode: ErrorCode) => void): void {
    this.#appendsInFlight++;
    this.#services.append(
      [{ type: 'groupMetadata', groupId: this.groupId, value: metadata }],
      (errorCode) => {
        this.#appendsInFlight--;
        if (this.phase === 'Dead') return;
        settled(groupErrorOf(errorCode));
        this.#reportIfIdle();
      },
    );
  }

  #removeExpired({ members, pending }: Expired): void {
    for (const member of members) {
      this.#log('member expired', {
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
      });
      this.#remove(member, ErrorCode.UNKNOWN_MEMBER_ID);
    }
    if (members.length > 0) this.#tell('member.left');
    else if (pending.length > 0) this.#tell('pending.changed');
    this.#reportIfIdle();
  }

  #reportIfIdle(): void {
    if (this.isIdle) this.#services.onIdle(this);
  }

  /** The roster changed. */
  #tell(type: 'member.left' | 'pending.changed' | 'rebalance.requested'): void {
    this.#send({ type, roster: this.roster.facts() });
  }

  #send(event: GroupEvent): void {
    this.#actor.send(event);
  }

  #log(message: string, fields: Record<string, unknown>): void {
    this.#services.logger.info(message, {
      groupId: this.groupId,
      generation: this.roster.generation,
      ...fields,
    });
  }
}

/** Versions before 5 and clients that do not care say null. */
function differs(asked: string | null, actual: string | null): boolean {
  return asked !== null && actual !== null && asked !== actual;
}
