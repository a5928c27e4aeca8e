/** The acting controller over an ensemble that commits what it is given: turns, and what overtakes them. */
import { ErrorCode, nodeId, offset, type Uuid } from '@odradek/protocol';
import type { TreeOp } from '@odradek/quorum';
import { describe, expect, it } from 'vitest';
import { partitionPath, topicPath } from '../metadata/paths.ts';
import { encodeNode } from '../metadata/nodes.ts';
import { partitionOf, policyOf, WORDS, WORDS_ID, type Partition } from '../testing/image-of.ts';
import { ManualClock } from '@odradek/ports/testing';
import { MetadataLog } from '../testing/small-cluster/metadata-log.ts';
import { ClusterController, type ClusterControllerOptions } from './cluster-controller.ts';

const ONE = nodeId(1);
const TWO = nodeId(2);

const cluster = async (partitions: readonly Partition[] = []) => {
  const metadata = new MetadataLog();
  const clock = new ManualClock();
  /** Called before a proposal is looked at. */
  let overtake: (() => Promise<unknown>) | undefined;
  const proposed: (readonly TreeOp[])[] = [];
  const quorum = {
    propose: async (ops: readonly TreeOp[]) => {
      proposed.push(ops);
      const first = overtake;
      overtake = undefined;
      await first?.();
      return metadata.propose(ops);
    },
  } as unknown as ClusterControllerOptions['quorum'];
  const controller = new ClusterController({
    quorum,
    image: metadata.image,
    policy: policyOf(),
    clock,
    heartbeatTimes: () => ({ sessionTimeoutMs: 1_000, linkLossTimeoutMs: 100 }),
    metadataOffset: () => metadata.endOffset,
  });
  await metadata.propose([
    { op: 'create', path: '/ids/producers', value: encodeNode({ nextProducerId: 0 }) },
  ]);
  const join = async (id: number): Promise<number> => {
    const registered = await controller.register({
      nodeId: nodeId(id),
      incarnation: `disk ${id}` as Uuid,
      processId: `process ${id}` as Uuid,
      listeners: [],
      rack: null,
      previousBrokerEpoch: -1,
    });
    if (!registered.ok) throw new Error(registered.message ?? '');
    await beat(id, registered.value);
    return registered.value;
  };
  const beat = (id: number, brokerEpoch: number, wantShutDown = false) =>
    controller.heartbeat({
      nodeId: nodeId(id),
      brokerEpoch,
      currentMetadataOffset: metadata.endOffset,
      wantFence: false,
      wantShutDown,
    });
  const epochs = [await join(1), await join(2), await join(3)];
  await metadata.propose([
    {
      op: 'create',
      path: topicPath(WORDS),
      value: encodeNode({ topicId: WORDS_ID, partitionCount: partitions.length }),
    },
    ...partitions.map((it, i): TreeOp => ({
      op: 'create',
      path: partitionPath(WORDS, i),
      value: encodeNode({ ...partitionOf(it), partitionEpoch: 0 }),
    })),
  ]);
  proposed.length = 0;
  return {
    metadata,
    clock,
    controller,
    proposed,
    beat,
    epochs,
    partition: (index = 0) => metadata.image.partition(WORDS, index),
    overtakeBy: (task: () => Promise<unknown>) => (overtake = task),
    shrink: (isr: readonly number[], partitionEpoch = 0) =>
      controller.alterPartition({
        brokerId: ONE,
        brokerEpoch: epochs[0]!,
        topics: [
          {
            topicId: WORDS_ID,
            partitions: [
              {
                partitionIndex: 0,
                leaderEpoch: 5,
                newIsr: [],
                newIsrWithEpochs: isr.map((brokerId) => ({ brokerId, brokerEpoch: -1 })),
                leaderRecoveryState: 0,
                partitionEpoch,
              },
            ],
          },
        ],
      }),
  };
};

describe('the acting controller', () => {
  it('decides anew what was overtaken', async () => {
    const { overtakeBy, metadata, partition, shrink } = await cluster([{}]);
    overtakeBy(() =>
      metadata.propose([
        {
          op: 'set',
          path: partitionPath(WORDS, 0),
          value: encodeNode({ ...partitionOf(), partitionEpoch: 1 }),
        },
      ]),
    );
    const result = await shrink([1, 2]);
    expect(result.ok && result.value.topics[0]!.partitions[0]!.errorCode).toBe(
      ErrorCode.INVALID_UPDATE_VERSION,
    );
    expect(partition()).toMatchObject({ isr: [1, 2, 3], partitionEpoch: 1 });
  });

  it('takes one decision after the other, each on what the last one left', async () => {
    const { shrink, partition } = await cluster([{}]);
    const [first, second, third] = await Promise.all([
      shrink([1, 2]),
      shrink([1, 3]),
      shrink([1], 1),
    ]);
    const codeOf = (it: typeof first) => it!.ok && it!.value.topics[0]!.partitions[0]!.errorCode;
    expect([codeOf(first), codeOf(second), codeOf(third)]).toEqual([
      ErrorCode.NONE,
      ErrorCode.INVALID_UPDATE_VERSION,
      ErrorCode.NONE,
    ]);
    expect(partition()).toMatchObject({ isr: [1], elr: [2], partitionEpoch: 2 });
  });

  it('fences who falls silent, and lets him back when he is heard again', async () => {
    const { clock, controller, beat, epochs, partition, metadata } = await cluster([{ leader: 2 }]);
    clock.advance(900);
    await beat(1, epochs[0]!);
    await beat(3, epochs[2]!);
    clock.advance(200);
    expect(await controller.fenceSilent()).toEqual([2]);
    expect(partition()).toMatchObject({ leader: 1, isr: [1, 3] });
    expect(await beat(2, epochs[1]!)).toMatchObject({ ok: true, value: { isFenced: false } });
    expect(metadata.image.brokers.get(TWO)!.fenced).toBe(false);
  });

  it('answers a heartbeat that changes nothing without asking the ensemble', async () => {
    const { beat, epochs, proposed } = await cluster();
    await beat(1, epochs[0]!);
    expect(proposed).toEqual([]);
    expect(await beat(1, 99)).toMatchObject({ errorCode: ErrorCode.STALE_BROKER_EPOCH });
  });

  it('lets a broker stop when the others know', async () => {
    const { beat, epochs, partition } = await cluster([{}]);
    expect(await beat(1, epochs[0]!, true)).toMatchObject({ value: { shouldShutDown: false } });
    expect(partition()).toMatchObject({ leader: 2, isr: [2, 3] });
    await beat(2, epochs[1]!);
    await beat(3, epochs[2]!);
    expect(await beat(1, epochs[0]!, true)).toMatchObject({ value: { shouldShutDown: true } });
  });

  it('hands out producer ids once, however many ask', async () => {
    const { controller, epochs } = await cluster();
    const ask = (id: number) => controller.allocateProducerIds(nodeId(id), epochs[id - 1]!, 1_000);
    const blocks = await Promise.all([ask(1), ask(2), ask(3)]);
    expect(blocks.map((it) => it.ok && it.value)).toEqual([0, 1_000, 2_000]);
    expect(await controller.allocateProducerIds(ONE, 99, 10)).toMatchObject({
      errorCode: ErrorCode.STALE_BROKER_EPOCH,
    });
  });

  it('finishes what its predecessor left half done, before anything else', async () => {
    const { beat, controller, metadata, partition, shrink } = await cluster([{ leader: 1 }]);
    const three = metadata.image.brokers.get(nodeId(3))!;
    await metadata.propose([
      { op: 'set', path: '/brokers/3', value: encodeNode({ ...three, fenced: true }) },
    ]);
    controller.begin();
    expect((await shrink([1, 2])).ok).toBe(true);
    expect(partition()).toMatchObject({ isr: [1, 2], partitionEpoch: 1 });
    expect(controller.heartbeats.isAlive(nodeId(3))).toBe(false);
    expect(controller.heartbeats.isCaughtUp(ONE)).toBe(false);
    // One that registered with the predecessor and is fenced still is let in, when it is heard.
    expect((await beat(3, three.brokerEpoch)).ok).toBe(true);
    expect(metadata.image.brokers.get(nodeId(3))).toMatchObject({ fenced: false });
    controller.heartbeats.touched(ONE, offset(99));
    expect(controller.heartbeats.isCaughtUp(ONE)).toBe(true);
  });

  it('that is new does not wait for a dead process when another one has its storage', async () => {
    const { beat, controller, metadata, epochs } = await cluster();
    const again = (id: number, incarnation = `disk ${id}`) =>
      controller.register({
        nodeId: nodeId(id),
        incarnation: incarnation as Uuid,
        processId: `second process ${id}` as Uuid,
        listeners: [],
        rack: null,
        previousBrokerEpoch: -1,
      });
    const refused = { errorCode: ErrorCode.DUPLICATE_BROKER_REGISTRATION };
    // This controller has heard of it.
    expect(await again(1)).toMatchObject(refused);
    controller.begin();
    await beat(1, epochs[0]!);
    expect(await again(1)).toMatchObject(refused);
    expect(await again(2, 'another disk')).toMatchObject(refused);
    expect(await again(3)).toMatchObject({ ok: true });
    expect(metadata.image.brokers.get(nodeId(3))).toMatchObject({ processId: 'second process 3' });
  });
});
