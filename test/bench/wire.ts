/**
 * The load generator's own wire client: it sends frames that were made before and counts what comes back, so that it costs
 * as little as a client in JavaScript can. Used against the broker, its raw limits, and Apache Kafka alike.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import {
  buildBatch,
  crc32cJs,
  createTopicsRequest,
  createTopicsResponse,
  decodeResponse,
  encodeRequest,
  fetchRequest,
  fetchResponse,
  metadataRequest,
  metadataResponse,
  produceRequest,
  type Body,
  type Input,
  type Message,
} from '@odradek/protocol';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export const bytesOf = (chunks: readonly Uint8Array[]): Buffer => Buffer.concat(chunks);

/** Called with each whole frame, its length left out; the bytes are valid during the call. */
export type OnFrame = (frame: Buffer) => void;

/** Reads frames off a socket through one reused buffer. */
export const openConnection = (
  target: Target,
  onFrame: OnFrame,
  bufferBytes = 1024 * 1024,
): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafeSlow(bufferBytes);
    const cutter = frameCutter(onFrame);
    const socket = connectTcp({
      ...target,
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          cutter(buffer.subarray(0, length));
          return true;
        },
      },
    });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });

const frameCutter = (onFrame: OnFrame): ((chunk: Buffer) => void) => {
  let partial: Buffer[] = [];
  let have = 0;
  let need = 0;
  return (chunk) => {
    let at = 0;
    if (have > 0) {
      if (need === 0) {
        const head = Buffer.concat([...partial, chunk.subarray(0, Math.max(0, 4 - have))]);
        if (head.length < 4) {
          partial = [head];
          have = head.length;
          return;
        }
        need = 4 + head.readInt32BE(0);
      }
      const take = Math.min(need - have, chunk.length);
      partial.push(Buffer.from(chunk.subarray(0, take)));
      have += take;
      at = take;
      if (have < need) return;
      onFrame(Buffer.concat(partial).subarray(4));
      partial = [];
      have = 0;
      need = 0;
    }
    while (chunk.length - at >= 4) {
      const end = at + 4 + chunk.readInt32BE(at);
      if (end > chunk.length) {
        need = end - at;
        break;
      }
      onFrame(chunk.subarray(at + 4, end));
      at = end;
    }
    if (at < chunk.length) {
      partial = [Buffer.from(chunk.subarray(at))];
      have = chunk.length - at;
      if (have < 4) need = 0;
    }
  };
};

const CORRELATION_ID = 1;
const identity = { correlationId: CORRELATION_ID, clientId: 'bench' };

/** One Produce v9 of one batch; sent again and again as it is. */
export const produceFrame = (
  topic: string,
  partition: number,
  acks: number,
  records: number,
  recordBytes: number,
): Buffer => {
  const value = new Uint8Array(recordBytes).map((_, i) => (i * 31) & 0xff);
  const batch = buildBatch({
    records: Array.from({ length: records }, () => ({ timestampMs: Date.now(), key: null, value })),
    crc32c: crc32cJs,
  });
  return bytesOf(
    encodeRequest(produceRequest, 9, identity, {
      transactionalId: null,
      acks,
      timeoutMs: 30_000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
    }),
  );
};

export const fetchFrame = (
  topic: string,
  offsets: readonly number[],
  limits: { readonly maxBytes: number; readonly partitionBytes: number },
): Buffer =>
  bytesOf(
    encodeRequest(fetchRequest, 12, identity, {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: limits.maxBytes,
      topics: [
        {
          topic,
          partitions: offsets.map((fetchOffset, partition) => ({
            partition,
            fetchOffset,
            partitionMaxBytes: limits.partitionBytes,
          })),
        },
      ],
      forgottenTopicsData: [],
    }),
  );

export const decodeFetch = (frame: Uint8Array): Body<typeof fetchResponse> =>
  decodeResponse(fetchResponse, 12, frame).body;

/** One request over a connection of its own. */
export const ask = async <Request extends Message, Response extends Message>(
  target: Target,
  api: { readonly request: Request; readonly response: Response },
  version: number,
  body: Input<Request>,
): Promise<Body<Response>> => {
  let answered: (frame: Buffer) => void = () => {};
  const answer = new Promise<Buffer>((resolve) => (answered = resolve));
  const socket = await openConnection(target, (frame) => answered(Buffer.from(frame)), 64 * 1024);
  socket.write(
    bytesOf(
      encodeRequest(api.request as unknown as Message<unknown, unknown>, version, identity, body),
    ),
  );
  const frame = await answer;
  socket.destroy();
  return decodeResponse(api.response, version, frame).body as Body<Response>;
};

export const createTopic = async (
  target: Target,
  name: string,
  partitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const { topics } = await ask(
    target,
    { request: createTopicsRequest, response: createTopicsResponse },
    5,
    {
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 30_000,
      validateOnly: false,
    },
  );
  if (topics[0]!.errorCode !== 0) throw new Error(`topic ${name}: error ${topics[0]!.errorCode}`);
  await awaitLeaders(target, name, partitions);
};

/** Apache Kafka answers CreateTopics before the partitions can be written to. */
export const awaitLeaders = async (
  target: Target,
  topic: string,
  partitions: number,
): Promise<void> => {
  for (;;) {
    const { topics } = await ask(
      target,
      { request: metadataRequest, response: metadataResponse },
      9,
      {
        topics: [{ name: topic }],
        allowAutoTopicCreation: false,
      },
    );
    const found = topics[0]!;
    if (
      found.errorCode === 0 &&
      found.partitions.length === partitions &&
      found.partitions.every((it) => it.errorCode === 0 && it.leaderId >= 0)
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
