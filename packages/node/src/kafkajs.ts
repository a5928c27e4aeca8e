/** KafkaJS's face in Node: the module that takes the place of `kafkajs` in an application's imports. Messages are Buffers; it dials TCP. */
import { KafkaFace, assignerProtocolFor } from '@odradek/client/kafkajs';
import type * as face from '@odradek/client/kafkajs';
import { createClientHost } from './client-host.ts';

export * from '@odradek/client/kafkajs';

export class Kafka extends KafkaFace<Buffer> {
  constructor(config: face.KafkaConfig) {
    super(createKafkaJSHost(), config);
  }
}

/** For those who change a part of it: another dial, another log. */
export function createKafkaJSHost(): face.KafkaJSHost<Buffer> {
  return {
    ...createClientHost(),
    toBuffer,
    timestamp: () => new Date().toISOString(),
    log: ({ namespace, label, log }) => {
      const message = `${namespace === '' ? '' : `[${namespace}] `}${log.message}`;
      process.stderr.write(`${JSON.stringify({ level: label, ...log, message }, plainly)}\n`);
    },
  };
}

const toBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

export const AssignerProtocol = assignerProtocolFor(toBuffer);

/** An error has no fields of its own that JSON would show. */
const plainly = (_key: string, value: unknown): unknown =>
  value instanceof Error ? `${value.name}: ${value.message}` : value;

// What depends on the kind of bytes, with Node's.
export type Admin = face.Admin<Buffer>;
export type Assigner = face.Assigner<Buffer>;
export type Batch = face.Batch<Buffer>;
export type Consumer = face.Consumer<Buffer>;
export type ConsumerRunConfig = face.ConsumerRunConfig<Buffer>;
export type EachBatchHandler = face.EachBatchHandler<Buffer>;
export type EachBatchPayload = face.EachBatchPayload<Buffer>;
export type EachMessageHandler = face.EachMessageHandler<Buffer>;
export type EachMessagePayload = face.EachMessagePayload<Buffer>;
export type GroupDescription = face.GroupDescription<Buffer>;
export type GroupDescriptions = face.GroupDescriptions<Buffer>;
export type GroupMember = face.GroupMember<Buffer>;
export type IHeaders = face.IHeaders<Buffer>;
export type ISerializer<T> = face.ISerializer<T, Buffer>;
export type KafkaMessage = face.KafkaMessage<Buffer>;
export type MemberAssignment = face.MemberAssignment<Buffer>;
export type MemberDescription = face.MemberDescription<Buffer>;
export type MemberMetadata = face.MemberMetadata<Buffer>;
