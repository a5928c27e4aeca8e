/** What a leader may say that was deposed and does not know it yet, and what a broker says that cannot reach the leader. */
import {
  ErrorCode,
  TreeOpKind,
  TreeResult,
  writeTreeRequest,
  writeTreeResponse,
  type WriteTreeRequest,
} from '@odradek/protocol';
import type { QuorumMember, ReadonlyTree, TreeError } from '@odradek/quorum';
import { describe, expect, it } from 'vitest';
import { NotAskedError, PeerError } from '../peers/peer-channel.ts';
import { AppUsage } from './app-usage.ts';
import { askLeader, type LeaderDoor } from './leader-door.ts';
import { refusedWrite, writeAtLeader } from './write.ts';

const tree = { get: () => undefined, descend: () => [] } as unknown as ReadonlyTree;
const usage = new AppUsage(tree);
const request: WriteTreeRequest = {
  sessionId: -1,
  timeoutMs: 1000,
  ops: [
    {
      kind: TreeOpKind.create,
      path: '/a',
      value: null,
      expectedVersion: -1,
      isEphemeral: false,
      isSequential: false,
    },
  ],
};

describe('a refusal', () => {
  const quorum = (error: TreeError, doesLead: boolean) => ({
    tree,
    propose: () => Promise.resolve({ status: 'refused', error } as const),
    sync: () => (doesLead ? Promise.resolve(0) : Promise.reject(new Error('nobody follows'))),
  });
  const nodeExists: TreeError = { code: 'nodeExists', message: '/app/a is there', opIndex: 0 };

  it('is told when a majority follows the leader still', async () => {
    const answer = await writeAtLeader(quorum(nodeExists, true) as never, usage, request);
    expect(answer).toMatchObject({
      errorCode: ErrorCode.NONE,
      result: TreeResult.nodeExists,
      errorMessage: '/a is there',
    });
  });

  it('is not told by one that may have been deposed: what it saw may be gone', async () => {
    const answer = await writeAtLeader(quorum(nodeExists, false) as never, usage, request);
    expect(answer).toMatchObject({ errorCode: ErrorCode.NOT_CONTROLLER, results: [] });
  });

  it('for what no tree would take needs nobody', async () => {
    const tooLarge: TreeError = { code: 'tooLarge', message: 'too large', opIndex: 0 };
    const answer = await writeAtLeader(quorum(tooLarge, false) as never, usage, request);
    expect(answer).toMatchObject({ errorCode: ErrorCode.NONE, result: TreeResult.tooLarge });
  });
});

describe('a broker that does not lead', () => {
  const follower: Pick<QuorumMember, 'acceptsProposals'> = { acceptsProposals: false };
  const ask = (door: LeaderDoor | undefined, isFromMember = false) =>
    askLeader(follower, door, {
      api: { request: writeTreeRequest, response: writeTreeResponse, version: 0 },
      body: request,
      timeoutMs: 1000,
      isFromMember,
      answerHere: () => Promise.reject(new Error('it does not lead')),
      refused: refusedWrite,
    });
  const failing = (error: Error): LeaderDoor => ({ ask: () => Promise.reject(error) });

  it('tells what was certainly not done from what may have been', async () => {
    const notDone = { errorCode: ErrorCode.NOT_CONTROLLER };
    expect(await ask(undefined)).toMatchObject(notDone);
    expect(await ask(failing(new NotAskedError('no leader is known')))).toMatchObject(notDone);
    expect(await ask(failing(new PeerError('the link broke')))).toMatchObject({
      errorCode: ErrorCode.REQUEST_TIMED_OUT,
      errorMessage: 'the link broke',
    });
  });

  it('does not send on what a member has sent to it', async () => {
    const door = failing(new Error('it was sent on'));
    expect(await ask(door, true)).toMatchObject({ errorCode: ErrorCode.NOT_CONTROLLER });
  });
});
