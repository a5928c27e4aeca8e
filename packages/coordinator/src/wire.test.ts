/** Requests as clients of each version write them, and replies as they read them. */
import * as protocol from '@odradek/protocol';
import { decode, encode, ErrorCode, ZERO_UUID } from '@odradek/protocol';
import type { Message } from '@odradek/protocol';
import { seededRandom } from '@odradek/ports/testing';
import { describe, expect, it } from 'vitest';
import { FakeBroker } from './testing/fake-broker.ts';
import { subscriptionTo } from './testing/test-consumer.ts';

function versionsOf({ info }: Message): number[] {
  const [min, max] = info.versions;
  return Array.from({ length: max - min + 1 }, (_, index) => min + index);
}

/** Over the wire and back. */
function carried<Out, In>(message: Message<Out, In>, version: number, body: In): Out {
  const chunks = encode(message, version, body);
  return decode(message, version, Uint8Array.from(chunks.flatMap((chunk) => [...chunk])));
}

class WireClient {
  readonly broker: FakeBroker;
  memberId = '';
  generationId = -1;
  protocolName: string | null = null;
  constructor(broker: FakeBroker) {
    this.broker = broker;
  }

  async join(version: number): Promise<protocol.JoinGroupResponse> {
    const { memberId } = this;
    const protocols = [{ name: 'range', metadata: subscriptionTo('words') }];
    const body = {
      groupId: 'readers',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId,
      protocolType: 'consumer',
      protocols,
    };
    const request = carried(protocol.joinGroupRequest, version, body);
    const reply = carried(
      protocol.joinGroupResponse,
      version,
      await this.broker.coordinator.joinGroup(request, this.#context(version)),
    );
    if (reply.errorCode === ErrorCode.NONE) this.generationId = reply.generationId;
    if (reply.memberId !== '') this.memberId = reply.memberId;
    this.protocolName = reply.protocolName;
    return reply;
  }

  async sync(version: number): Promise<protocol.SyncGroupResponse> {
    const { memberId, generationId, protocolName } = this;
    const assignments = [{ memberId, assignment: Uint8Array.of(1, 2, 3) }];
    const body = {
      groupId: 'readers',
      generationId,
      memberId,
      protocolType: 'consumer',
      protocolName,
      assignments,
    };
    const request = carried(protocol.syncGroupRequest, version, body);
    return carried(
      protocol.syncGroupResponse,
      version,
      await this.broker.coordinator.syncGroup(request, this.#context(version)),
    );
  }

  heartbeat(version: number): protocol.HeartbeatResponse {
    const { memberId, generationId } = this;
    const request = carried(protocol.heartbeatRequest, version, {
      groupId: 'readers',
      generationId,
      memberId,
    });
    return carried(protocol.heartbeatResponse, version, this.broker.coordinator.heartbeat(request));
  }

  leave(version: number): protocol.LeaveGroupResponse {
    const { memberId } = this;
    const request = carried(protocol.leaveGroupRequest, version, {
      groupId: 'readers',
      memberId,
      members: [{ memberId }],
    });
    return carried(
      protocol.leaveGroupResponse,
      version,
      this.broker.coordinator.leaveGroup(request, this.#context(version)),
    );
  }

  async commit(version: number): Promise<protocol.OffsetCommitResponse> {
    const { memberId, generationId: generationIdOrMemberEpoch } = this;
    const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: null }];
    const topics = [{ name: 'words', topicId: this.broker.topicId('words')!, partitions }];
    const request = carried(protocol.offsetCommitRequest, version, {
      groupId: 'readers',
      generationIdOrMemberEpoch,
      memberId,
      topics,
    });
    return carried(
      protocol.offsetCommitResponse,
      version,
      await this.broker.coordinator.offsetCommit(request, this.#context(version)),
    );
  }

  async fetch(version: number): Promise<protocol.OffsetFetchResponse> {
    const topic = {
      name: 'words',
      topicId: this.broker.topicId('words')!,
      partitionIndexes: [0, 1],
    };
    const body = {
      groupId: 'readers',
      topics: [topic],
      groups: [{ groupId: 'readers', topics: [topic] }],
      requireStable: true,
    };
    const request = carried(protocol.offsetFetchRequest, version, body);
    return carried(
      protocol.offsetFetchResponse,
      version,
      await this.broker.coordinator.offsetFetch(request, this.#context(version)),
    );
  }

  describe(version: number): protocol.DescribeGroupsResponse {
    const request = carried(protocol.describeGroupsRequest, version, {
      groups: ['readers', 'nobody'],
    });
    return carried(
      protocol.describeGroupsResponse,
      version,
      this.broker.coordinator.describeGroups(request, this.#context(version)),
    );
  }

  list(version: number): protocol.ListGroupsResponse {
    const request = carried(protocol.listGroupsRequest, version, {});
    return carried(
      protocol.listGroupsResponse,
      version,
      this.broker.coordinator.listGroups(request),
    );
  }

  async deleteGroups(version: number): Promise<protocol.DeleteGroupsResponse> {
    const request = carried(protocol.deleteGroupsRequest, version, {
      groupsNames: ['readers', 'nobody', 'nobody'],
    });
    return carried(
      protocol.deleteGroupsResponse,
      version,
      await this.broker.coordinator.deleteGroups(request),
    );
  }

  #context(apiVersion: number) {
    return { apiVersion, clientId: 'reader', clientHost: '/127.0.0.1' };
  }
}

async function stableClient(): Promise<WireClient> {
  const broker = await FakeBroker.start(seededRandom(1), { initialRebalanceDelayMs: 0 });
  const client = new WireClient(broker);
  const join = client.join(3);
  await broker.clock.advance(1);
  await join;
  await client.sync(3);
  return client;
}

describe('in each version', () => {
  it.each(versionsOf(protocol.joinGroupRequest))('JoinGroup v%i', async (version) => {
    const broker = await FakeBroker.start(seededRandom(1), { initialRebalanceDelayMs: 0 });
    const client = new WireClient(broker);
    if (version >= 4)
      expect((await client.join(version)).errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    const join = client.join(version);
    await broker.clock.advance(1);
    expect(await join).toMatchObject({
      errorCode: 0,
      generationId: 1,
      leader: client.memberId,
      protocolName: 'range',
      members: [{ memberId: client.memberId }],
    });
  });

  it.each(versionsOf(protocol.syncGroupRequest))('SyncGroup v%i', async (version) => {
    const client = await stableClient();
    expect(await client.sync(version)).toMatchObject({
      errorCode: 0,
      assignment: Uint8Array.of(1, 2, 3),
    });
    client.generationId = 9;
    expect((await client.sync(version)).errorCode).toBe(ErrorCode.ILLEGAL_GENERATION);
  });

  it.each(versionsOf(protocol.heartbeatRequest))('Heartbeat v%i', async (version) => {
    expect((await stableClient()).heartbeat(version).errorCode).toBe(ErrorCode.NONE);
  });

  it.each(versionsOf(protocol.leaveGroupRequest))('LeaveGroup v%i', async (version) => {
    const client = await stableClient();
    expect(client.leave(version)).toMatchObject({
      errorCode: 0,
      members: version < 3 ? [] : [{ memberId: client.memberId, errorCode: 0 }],
    });
    const again = client.leave(version);
    expect(version < 3 ? again.errorCode : again.members[0]!.errorCode).toBe(
      ErrorCode.UNKNOWN_MEMBER_ID,
    );
  });

  it.each(versionsOf(protocol.offsetCommitRequest))('OffsetCommit v%i', async (version) => {
    const client = await stableClient();
    expect((await client.commit(version)).topics).toMatchObject([
      { partitions: [{ partitionIndex: 0, errorCode: 0 }] },
    ]);
    expect((await client.commit(version)).topics[0]!.topicId).toBe(
      version < 10 ? ZERO_UUID : client.broker.topicId('words'),
    );
  });

  it.each(versionsOf(protocol.offsetFetchRequest))('OffsetFetch v%i', async (version) => {
    const client = await stableClient();
    await client.commit(9);
    const offsets = async () => {
      const reply = await client.fetch(version);
      const topics = version < 8 ? reply.topics : reply.groups[0]!.topics;
      return topics.map(({ partitions }) =>
        partitions.map(({ committedOffset, errorCode }) => [committedOffset, errorCode]),
      );
    };
    expect(await offsets()).toEqual([
      [
        [7, 0],
        [-1, 0],
      ],
    ]);
    client.broker.coordinator.unload(0);
    const refused = await client.fetch(version);
    if (version < 2)
      expect(refused.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    else
      expect(version < 8 ? refused.errorCode : refused.groups[0]!.errorCode).toBe(
        ErrorCode.NOT_COORDINATOR,
      );
  });

  it.each(versionsOf(protocol.describeGroupsRequest))('DescribeGroups v%i', async (version) => {
    const [group, nobody] = (await stableClient()).describe(version).groups;
    expect(group).toMatchObject({
      errorCode: 0,
      groupState: 'Stable',
      protocolData: 'range',
      members: [{ clientId: 'reader' }],
    });
    expect(nobody).toMatchObject({
      errorCode: version < 6 ? 0 : ErrorCode.GROUP_ID_NOT_FOUND,
      groupState: 'Dead',
    });
  });

  it.each(versionsOf(protocol.listGroupsRequest))('ListGroups v%i', async (version) => {
    expect((await stableClient()).list(version)).toMatchObject({
      errorCode: 0,
      groups: [{ groupId: 'readers', protocolType: 'consumer' }],
    });
  });

  it.each(versionsOf(protocol.deleteGroupsRequest))('DeleteGroups v%i', async (version) => {
    const client = await stableClient();
    expect((await client.deleteGroups(version)).results).toEqual([
      { groupId: 'readers', errorCode: ErrorCode.NON_EMPTY_GROUP },
      { groupId: 'nobody', errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
    ]);
    client.leave(0);
    await client.broker.clock.settle();
    expect((await client.deleteGroups(version)).results[0]!.errorCode).toBe(ErrorCode.NONE);
  });

  it('OffsetDelete v0', async () => {
    const { broker } = await stableClient();
    const topics = [{ name: 'words', partitions: [{ partitionIndex: 0 }] }];
    const request = carried(protocol.offsetDeleteRequest, 0, { groupId: 'readers', topics });
    const reply = carried(
      protocol.offsetDeleteResponse,
      0,
      await broker.coordinator.offsetDelete(request),
    );
    expect(reply.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC);
  });
});

it('keeps nothing of a request that lies in a buffer which is used again', async () => {
  const broker = await FakeBroker.start(seededRandom(1), { initialRebalanceDelayMs: 0 });
  const metadata = subscriptionTo('words');
  const protocols = [{ name: 'range', metadata }];
  const request = {
    groupId: 'readers',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols,
    reason: null,
  };
  const context = { apiVersion: 3, clientId: 'reader', clientHost: '/127.0.0.1' };
  const join = broker.coordinator.joinGroup(request, context);
  metadata.fill(0xee);
  await broker.clock.advance(1);
  const { members, memberId, generationId } = await join;
  expect(members[0]!.metadata).toEqual(subscriptionTo('words'));

  const assignment = Uint8Array.of(1, 2, 3);
  const names = { groupInstanceId: null, protocolType: null, protocolName: null };
  const sync = broker.coordinator.syncGroup(
    {
      groupId: 'readers',
      generationId: generationId!,
      memberId,
      ...names,
      assignments: [{ memberId, assignment }],
    },
    context,
  );
  assignment.fill(0xee);
  expect((await sync).assignment).toEqual(Uint8Array.of(1, 2, 3));
});

it('answers at least 300,000 heartbeats a second', async () => {
  const { broker, memberId, generationId } = await stableClient();
  const request = { groupId: 'readers', generationId, memberId, groupInstanceId: null };
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const startMs = performance.now();
    for (let count = 0; count < 30_000; count++) broker.coordinator.heartbeat(request);
    best = Math.max(best, 30_000 / ((performance.now() - startMs) / 1000));
  }
  expect(best).toBeGreaterThan(300_000);
});
