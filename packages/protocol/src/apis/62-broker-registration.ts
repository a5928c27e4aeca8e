/**
 * BrokerRegistration: key 62, versions 0 to 4, flexible from 0.
 *
 * 1: migration from ZooKeeper. 2: directory ids (KIP-858). 3: the epoch of the life before
 * (KIP-966). 4: features whose lowest version is 0.
 */
import {
  array,
  boolean,
  errorCode,
  int16,
  int32,
  int64,
  string,
  uint16,
  uuid,
} from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** A starting broker makes itself known to the controller (KIP-631). */
export const brokerRegistrationRequest = /*@__PURE__*/ message(
  { key: 62, name: 'BrokerRegistrationRequest', versions: [0, 4], flexible: 0 },
  () => ({
    brokerId: int32(),
    clusterId: string(),
    /** New with each start of the process. */
    incarnationId: uuid(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
      securityProtocol: int16(),
    }),
    features: array({
      name: string(),
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    }),
    rack: string({ nullable: true }),
    isMigratingZkBroker: boolean({ since: 1, default: false }),
    logDirs: array(uuid(), { since: 2 }),
    /** Kept when the broker stopped cleanly, otherwise -1. */
    previousBrokerEpoch: int64({ since: 3, default: -1 }),
  }),
);
export type BrokerRegistrationRequest = Body<typeof brokerRegistrationRequest>;

/**
 * DUPLICATE_BROKER_REGISTRATION, INCONSISTENT_CLUSTER_ID, INVALID_REGISTRATION,
 * UNSUPPORTED_VERSION, NOT_CONTROLLER.
 */
export const brokerRegistrationResponse = /*@__PURE__*/ message(
  { key: 62, name: 'BrokerRegistrationResponse', versions: [0, 4], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    brokerEpoch: int64({ default: -1 }),
  }),
);
export type BrokerRegistrationResponse = Body<typeof brokerRegistrationResponse>;
