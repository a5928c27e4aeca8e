/** The tree of a member in this very process, for recipes: reads are its tree's own, at no cost. */
import type { Offset } from '@odradek/protocol';
import { QuorumError } from '../errors.ts';
import type { Proposal } from '../member/quorum-member.types.ts';
import type { ReadonlyTree, SessionId, TreeChange } from '../tree/node.ts';
import type { TreeOp } from '../tree/operation.ts';
import { concerns } from '../tree/watch.ts';
import type { TreeClient } from './tree-client.ts';

export interface MemberDoor {
  readonly tree: ReadonlyTree;
  onChange(listener: (changes: readonly TreeChange[], offset: Offset) => void): () => void;
  sync(): Promise<unknown>;
  /** On a member that does not lead: the shell's way to the leader. */
  propose(ops: readonly TreeOp[], options: { sessionId: SessionId }): Promise<Proposal>;
}

/** The session was opened, and is kept alive, by the caller. */
export function memberClient(door: MemberDoor, sessionId: SessionId): TreeClient {
  return {
    sessionId,
    get: (path) => Promise.resolve(door.tree.get(path)),
    children: (path) => Promise.resolve(door.tree.children(path)),
    sync: () => door.sync(),
    async propose(ops) {
      const answer = await door.propose(ops, { sessionId });
      if (answer.status === 'notLeader')
        throw new QuorumError('unconfirmed', 'no leader has taken the proposal: ask again');
      return answer;
    },
    watch: (watch, changed) =>
      door.onChange((changes) => {
        if (changes.some((change) => concerns(change, watch))) changed();
      }),
    onSessionEnd(ended) {
      const isOver = (): boolean => door.tree.session(sessionId) === undefined;
      let isTold = false;
      const tell = (): void => {
        if (!isTold) ended();
        isTold = true;
      };
      if (isOver()) tell();
      return door.onChange((changes) => {
        const isIts = changes.some(
          (it) => it.kind === 'sessionClosed' && it.session.id === sessionId,
        );
        if (isIts) tell();
      });
    },
  };
}
