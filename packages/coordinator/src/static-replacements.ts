/**
 * Static members that come back to a stable group under new member ids (KIP-345). Nothing changes but the ids; the log must know
 * them before the group does, because a crash in between would bring the old ones back. While some are being stored, those that
 * come wait and are stored together next: a rolling restart of many members is a few appends.
 */
import type { JoinGroupReply, JoinGroupRequest, RequestContext } from './messages.ts';
import type { GroupMetadata } from './records/records.ts';
import { metadataFor } from './roster.ts';
import type { Answer, Member, NewMember, Roster } from './roster.ts';

export interface StaticReplacement {
  readonly old: Member;
  readonly joining: NewMember;
  /** Who led when it asked. */
  readonly leaderId: string | null;
  readonly request: JoinGroupRequest;
  readonly context: RequestContext;
  readonly answer: Answer<JoinGroupReply>;
}

export class StaticReplacements {
  #waiting: StaticReplacement[] = [];
  #storing: readonly StaticReplacement[] = [];

  add(replacement: StaticReplacement): void {
    this.#waiting.push(replacement);
  }

  get canStart(): boolean {
    return this.#storing.length === 0 && this.#waiting.length > 0;
  }

  /** Those that wait are being stored now. What the log is to keep: the roster with their new ids. */
  start(roster: Roster, stateTimestampMs: number): GroupMetadata {
    this.#storing = this.takeWaiting();
    const joining = new Map(
      this.#storing.map((replacement) => [replacement.old.memberId, replacement.joining]),
    );
    const metadata = roster.metadata(stateTimestampMs, (member) => member.assignment);
    return {
      ...metadata,
      leaderId:
        metadata.leaderId === null
          ? null
          : (joining.get(metadata.leaderId)?.memberId ?? metadata.leaderId),
      members: metadata.members.map((member) => {
        const successor = joining.get(member.memberId);
        if (successor === undefined) return member;
        const { memberId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs } = successor;
        const subscription = metadataFor(successor.protocols, metadata.protocolName);
        return {
          ...member,
          memberId,
          clientId,
          clientHost,
          rebalanceTimeoutMs,
          sessionTimeoutMs,
          subscription,
        };
      }),
    };
  }

  end(): readonly StaticReplacement[] {
    const stored = this.#storing;
    this.#storing = [];
    return stored;
  }

  takeWaiting(): readonly StaticReplacement[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
