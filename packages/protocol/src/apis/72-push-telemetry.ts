/** PushTelemetry: key 72, versions 0, flexible from 0. */
import { boolean, bytes, errorCode, int8, int32, uuid } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Brings a client's metrics (KIP-714). */
export const pushTelemetryRequest = /*@__PURE__*/ message(
  { key: 72, name: 'PushTelemetryRequest', versions: [0, 0], flexible: 0 },
  () => ({
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: boolean(),
    compressionType: int8(),
    /** OpenTelemetry's MetricsData, compressed as it says. */
    metrics: bytes(),
  }),
);
export type PushTelemetryRequest = Body<typeof pushTelemetryRequest>;

/**
 * UNKNOWN_SUBSCRIPTION_ID, TELEMETRY_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD,
 * THROTTLING_QUOTA_EXCEEDED.
 */
export const pushTelemetryResponse = /*@__PURE__*/ message(
  { key: 72, name: 'PushTelemetryResponse', versions: [0, 0], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
  }),
);
export type PushTelemetryResponse = Body<typeof pushTelemetryResponse>;
