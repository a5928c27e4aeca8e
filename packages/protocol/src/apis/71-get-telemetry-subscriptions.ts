/** GetTelemetrySubscriptions: key 71, versions 0, flexible from 0. */
import { array, boolean, errorCode, int8, int32, string, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Tells a client which of its metrics the broker would like (KIP-714). */
export const getTelemetrySubscriptionsRequest = /*@__PURE__*/ message(
  { key: 71, name: 'GetTelemetrySubscriptionsRequest', versions: [0, 0], flexible: 0 },
  () => ({
    /** Zero in the first request; the answer brings one. */
    clientInstanceId: uuid(),
  }),
);
export type GetTelemetrySubscriptionsRequest = Body<typeof getTelemetrySubscriptionsRequest>;

/** INVALID_REQUEST, UNSUPPORTED_VERSION. */
export const getTelemetrySubscriptionsResponse = /*@__PURE__*/ message(
  { key: 71, name: 'GetTelemetrySubscriptionsResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: boolean(),
    requestedMetrics: array(string()),
  }),
);
export type GetTelemetrySubscriptionsResponse = Body<typeof getTelemetrySubscriptionsResponse>;
