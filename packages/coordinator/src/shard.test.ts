import { ErrorCode } from '@odradek/protocol';
import { seededRandom } from '@odradek/ports/testing';
import { expect, it } from 'vitest';
import { GroupActors } from './group-actors.ts';
import type { JoinGroupReply, RequestContext } from './messages.ts';
import { Shard } from './shard.ts';
import { FakeBroker } from './testing/fake-broker.ts';
import { subscriptionTo } from './testing/test-consumer.ts';

const context: RequestContext = { apiVersion: 3, clientId: 'reader', clientHost: '/127.0.0.1' };
const request = {
  groupId: 'readers',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  memberId: '',
  groupInstanceId: null,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: subscriptionTo('words') }],
  reason: null,
};

it('lets a group that broke begin anew from the log, and no other group notices', async () => {
  const broker = new FakeBroker(seededRandom(1), { initialRebalanceDelayMs: 0 });
  const shard = new Shard(0, 1, broker, new GroupActors(broker.clock));
  shard.activate();
  const replies: JoinGroupReply[] = [];
  const group = shard.group('readers');
  group.join(request, context, (reply) => replies.push(reply));
  await broker.clock.advance(1);
  const { memberId, generationId } = replies[0]!;
  group.sync(
    {
      groupId: 'readers',
      generationId: generationId!,
      memberId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: [],
    },
    () => {},
  );
  await broker.clock.settle();
  expect(group.phase).toBe('Stable');

  group.roster.closeJoinPhase = () => {
    throw new Error('an invariant does not hold');
  };
  group.join(request, context, (reply) => replies.push(reply));
  group.join({ ...request, memberId }, context, (reply) => replies.push(reply));
  await broker.clock.settle();
  expect(replies.slice(1).map((reply) => reply.errorCode)).toEqual([
    ErrorCode.UNKNOWN_SERVER_ERROR,
    ErrorCode.UNKNOWN_SERVER_ERROR,
  ]);

  const renewed = shard.group('readers');
  expect(renewed).not.toBe(group);
  expect(renewed.phase).toBe('Stable');
  const heartbeat = {
    groupId: 'readers',
    generationId: generationId!,
    memberId,
    groupInstanceId: null,
  };
  expect(renewed.heartbeat(heartbeat)).toBe(ErrorCode.NONE);
  await broker.clock.advance(20_000);
  expect(shard.isEmpty('readers')).toBe(true);
  expect(shard.groups.size).toBe(0);
});
