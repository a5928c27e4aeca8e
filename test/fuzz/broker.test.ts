/**
 * Damaged requests of every API and version against a whole broker in process: each is answered rightly, kept in silence where
 * that is right, or its connection is closed; what may wait may wait. Nothing crashes, and the memory of one is not that of a
 * thousand. They are made from requests about topics and groups that are there, so that they get past the first check.
 */
import { createNodeCompression } from '@odradek/compression/node';
import { createNodeCrc32c } from '@odradek/node';
import { silentLogger, type Logger } from '@odradek/ports';
import { seeded } from '@odradek/protocol/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTopic, fetchFrom, produce } from '../../packages/broker/src/testing/stories.ts';
import { startTestBroker, type TestBroker } from '../../packages/broker/src/testing/test-broker.ts';
import { until } from '../support/until.ts';
import { Peer } from './peer.ts';
import { Requests, TOPICS } from './requests.ts';

const FRAMES = Number(process.env['FUZZ_FRAMES'] ?? 2_000_000);
const CONNECTIONS = 256;
/** Sent together, before the broker gets its turn to answer. */
const FRAMES_AT_ONCE = 1;
/** A connection that has something that may wait is left after this, so that the rest of its frames are not held up. */
const FRAMES_A_CONNECTION = 64;
/** One turn of damaged requests keeps everybody else waiting no longer. */
const STALL_MS_MAX = 2_000;
const MEBIBYTE = 1024 * 1024;
/** Of what was sent. A short run is mostly the broker itself. */
const GROWTH_FACTOR_MAX = 8;
const OWN_BYTES_MAX = 128 * MEBIBYTE;

const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_122);

const describeError = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

describe(`damaged requests against a whole broker (seed ${seed})`, () => {
  let test: TestBroker;
  /** What the broker calls an error is a defect of its own: a bad request is a warning. */
  const defects: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (message, fields) =>
      void defects.push(`${message}: ${describeError(fields?.['error'])}`),
    child: () => logger,
  };
  const onRejection = (reason: unknown): void => void defects.push(describeError(reason));
  const tools = { crc32c: createNodeCrc32c(), compression: createNodeCompression() };

  beforeAll(async () => {
    process.on('unhandledRejection', onRejection);
    test = await startTestBroker({
      seed,
      logger,
      compression: tools.compression,
      config: {
        'offsets.topic.num.partitions': '2',
        'auto.create.topics.enable': 'false',
        'log.retention.bytes': '1000000',
        'log.segment.bytes': '1000000',
      },
    });
    for (const name of [...TOPICS, 'untouched'])
      await createTopic(
        test.connect(),
        name,
        3,
        name === 'fuzz-compacted' ? { 'cleanup.policy': 'compact' } : {},
      );
  });
  afterAll(async () => {
    process.off('unhandledRejection', onRejection);
    await test.stop();
  });

  it(`${FRAMES.toLocaleString('en')} of them are answered or end their connection, and others go on`, async () => {
    const topicIds = TOPICS.map((name) => test.broker.image.topics.get(name)!.topicId);
    const chance = seeded(seed);
    const requests = new Requests(chance, { topicIds, tools });
    const counts = { answered: 0, silent: 0, closed: 0, waiting: 0 };
    const failures: Error[] = [];
    const connect = (): Peer => {
      const peer = new Peer();
      test.broker.accept(peer, 'PLAINTEXT');
      return peer;
    };
    /** Whoever leaves has been answered, or had something that may wait in front of the rest. */
    const leave = (peer: Peer): void => {
      counts.answered += peer.answered;
      counts.silent += peer.silent;
      if (peer.failure !== undefined) failures.push(peer.failure);
      if (peer.isClosed) counts.closed += peer.unanswered.length;
      else counts.waiting += peer.unanswered.length;
      peer.leave();
    };
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const peers = Array.from({ length: CONNECTIONS }, connect);
    const before = process.memoryUsage().rss;
    let bytes = 0;
    let longestStallMs = 0;
    for (let sent = 0; sent < FRAMES;) {
      for (let at = 0; at < CONNECTIONS && sent < FRAMES; at++) {
        if (peers[at]!.isClosed || peers[at]!.sent >= FRAMES_A_CONNECTION) {
          // Given its turns to answer, unless something that may wait stands first.
          for (let turns = 0; turns < 200 && !isDone(peers[at]!); turns++) await turn();
          if (!isDone(peers[at]!))
            failures.push(
              new Error(
                `no answer to ${Buffer.from(peers[at]!.unanswered[0]!.bytes).toString('hex')}`,
              ),
            );
          leave(peers[at]!);
          peers[at] = connect();
        }
        for (let n = 0; n < FRAMES_AT_ONCE && sent < FRAMES && !peers[at]!.isClosed; n++, sent++) {
          const frame = requests.next();
          bytes += frame.length;
          peers[at]!.sendFrame(frame);
        }
      }
      const startedAt = performance.now();
      await turn();
      longestStallMs = Math.max(longestStallMs, performance.now() - startedAt);
    }
    await until(() => peers.every(isDone));
    for (const peer of peers) leave(peer);
    await turn();
    process.stdout.write(
      `${FRAMES} damaged requests (${Math.round(bytes / MEBIBYTE)} MiB): ${JSON.stringify(counts)}, longest turn ${Math.round(longestStallMs)} ms\n`,
    );
    expect(failures.slice(0, 3).map((it) => it.message)).toEqual([]);
    expect([...new Set(defects)].slice(0, 3)).toEqual([]);
    expect(counts.answered).toBeGreaterThan(FRAMES / 4);
    expect(counts.closed).toBeGreaterThan(0);
    expect(longestStallMs).toBeLessThan(STALL_MS_MAX);
    expect(process.memoryUsage().rss - before).toBeLessThan(
      Math.max(GROWTH_FACTOR_MAX * bytes, OWN_BYTES_MAX),
    );
    const client = test.connect();
    expect((await produce(client, 'untouched', ['still here'])).errorCode).toBe(0);
    expect((await fetchFrom(client, 'untouched', 0)).values).toContain('still here');
  }, 600_000);
});

/** Answered, closed, or waiting behind something that may wait. */
const isDone = (peer: Peer): boolean =>
  peer.isSettled || peer.unanswered.some(({ expectation }) => expectation.mayWait);
