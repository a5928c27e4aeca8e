/** Damaged frames over real sockets, TCP and WebSocket, against the command as people run it. */
import { connect as connectTcp } from 'node:net';
import { readFileSync } from 'node:fs';
import { damagedRequests } from '@odradek/protocol/testing';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { run } from '../support/run.ts';

const TCP_FRAMES = 80_000;
const WEBSOCKET_FRAMES = 20_000;
/** The first that is no request closes the connection on the rest: few, so that most frames are looked at. */
const FRAMES_A_CONNECTION = 5;
const CONNECTIONS_AT_ONCE = 16;
const RESIDENT_MIB_MAX = 512;

const seed = Number(process.env.FUZZ_SEED ?? 20_261_122);

let broker: BrokerProcess;
let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
  broker = await BrokerProcess.start({
    dataDirectory: folder.path,
    config: { 'offsets.topic.num.partitions': '2', 'auto.create.topics.enable': 'true' },
  });
});
afterAll(async () => {
  await broker.kill();
  await folder[Symbol.asyncDispose]();
});

/** Frames with their lengths, some of which are lies. */
const pack = (requests: Generator<Uint8Array, never>, count: number): Buffer => {
  const parts: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const frame = requests.next().value;
    const length = Buffer.alloc(4);
    length.writeInt32BE(frame.length);
    parts.push(length, Buffer.from(frame));
  }
  return Buffer.concat(parts);
};

const inParallel = async (count: number, task: () => Promise<void>): Promise<void> => {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await task();
  };
  await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, worker));
};

const sendOverTcp = (bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    const socket = connectTcp(broker.kafka.port, broker.kafka.host, () => socket.end(bytes));
    socket.on('data', () => {});
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });

const sendOverWebSocket = (bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    const socket = new WebSocket(broker.websocket, { perMessageDeflate: false });
    socket.on('open', () => {
      // Cut anywhere: the stream is what counts, not its messages.
      const cut = bytes.length >> 1;
      socket.send(bytes.subarray(0, cut));
      socket.send(bytes.subarray(cut), () => socket.close());
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });

describe(`damaged frames over sockets (seed ${seed})`, () => {
  it(`${TCP_FRAMES} over TCP and ${WEBSOCKET_FRAMES} over WebSocket end in an answer or a closed connection`, async () => {
    const requests = damagedRequests(seed);
    await inParallel(TCP_FRAMES / FRAMES_A_CONNECTION, () =>
      sendOverTcp(pack(requests, FRAMES_A_CONNECTION)),
    );
    await inParallel(WEBSOCKET_FRAMES / FRAMES_A_CONNECTION, () =>
      sendOverWebSocket(pack(requests, FRAMES_A_CONNECTION)),
    );
  }, 240_000);

  it('leave a broker that serves others, in bounded memory, without an error of its own', async () => {
    const address = `${broker.kafka.host}:${broker.kafka.port}`;
    await run('kcat', ['-b', address, '-P', '-t', 'afterwards'], { input: 'still here\n' });
    const { stdout } = await run('kcat', ['-b', address, '-C', '-t', 'afterwards', '-e', '-q']);
    expect(stdout.toString()).toBe('still here\n');
    const status = readFileSync(`/proc/${broker.pid}/status`, 'utf8');
    expect(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024).toBeLessThan(RESIDENT_MIB_MAX);
    const errors = broker.log.filter((it) => it.level === 'error').map((it) => it.msg);
    expect([...new Set(errors)]).toEqual([]);
  });
});
