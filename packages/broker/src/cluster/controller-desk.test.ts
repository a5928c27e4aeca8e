/** What the controller's desk says before anything is decided: to whom it is no controller, and to whom it is not theirs to ask. */
import { ErrorCode, nodeId, type Uuid } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { ControllerDesk, type ControllerDeskOptions } from './controller-desk.ts';

const ONE = nodeId(1);
const ID = '0123456789abcdef0123456789abcdef' as Uuid;

/** Nothing behind it may be reached. */
const desk = (isActive: boolean): ControllerDesk =>
  new ControllerDesk({
    isActive: () => isActive,
    clusterId: () => 'ours',
    cluster: {} as ControllerDeskOptions['cluster'],
    controller: {
      completeDeletion: () => Promise.reject(new Error('it was asked all the same')),
    },
  });

const registration = (brokerId: number, clusterId = 'ours') => ({
  brokerId,
  clusterId,
  incarnationId: ID,
  listeners: [],
  features: [],
  rack: null,
  isMigratingZkBroker: false,
  logDirs: [ID],
  previousBrokerEpoch: -1,
});
const beat = (brokerId: number) => ({
  brokerId,
  brokerEpoch: 1,
  currentMetadataOffset: 0,
  wantFence: false,
  wantShutDown: false,
  offlineLogDirs: [],
});
const isr = (brokerId: number) => ({ brokerId, brokerEpoch: 1, topics: [] });

const codesOf = async (at: ControllerDesk, brokerId: number) =>
  (
    await Promise.all([
      at.register(ONE, registration(brokerId)),
      at.heartbeat(ONE, beat(brokerId)),
      at.alterPartition(ONE, isr(brokerId)),
      at.allocateProducerIds(ONE, { brokerId, brokerEpoch: 1 }),
      at.completeDeletion(ONE, { brokerId, topicId: ID }),
    ])
  ).map((it) => it.errorCode);

describe("the controller's desk", () => {
  it('of a member that does not lead the quorum answers nobody', async () => {
    expect(new Set(await codesOf(desk(false), 1))).toEqual(new Set([ErrorCode.NOT_CONTROLLER]));
  });

  it('takes no broker for another', async () => {
    expect(new Set(await codesOf(desk(true), 2))).toEqual(
      new Set([ErrorCode.CLUSTER_AUTHORIZATION_FAILED]),
    );
  });

  it('takes in nobody from another cluster', async () => {
    expect(await desk(true).register(ONE, registration(1, 'theirs'))).toEqual({
      errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID,
    });
  });
});
