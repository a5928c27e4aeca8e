/** kcat (librdkafka 2.0.2 in Debian 12): the oldest client that people still point at a new broker. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { run } from '../support/run.ts';

const WORDS = '/usr/share/dict/words';

let broker: InProcessBroker;
beforeAll(async () => {
  broker = await startInProcess();
});
afterAll(() => broker.dispose());

const kcat = (args: readonly string[], input?: Buffer | string) =>
  run('kcat', ['-b', broker.bootstrap, ...args], { input });

describe('kcat', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('gives a large file back byte for byte with %s', async (codec) => {
    const words = await readFile(WORDS);
    const topic = `words-${codec}`;
    const produced = await kcat(['-P', '-t', topic, '-z', codec], words);
    expect(produced.stderr).toBe('');
    expect(produced.code).toBe(0);
    const consumed = await kcat(['-C', '-t', topic, '-e', '-q']);
    expect(consumed.code).toBe(0);
    expect(consumed.stdout.equals(words)).toBe(true);
  });

  it('lists brokers, topics and partitions', async () => {
    const { stdout } = await kcat(['-L', '-J']);
    const listed = JSON.parse(stdout.toString()) as { brokers: { name: string }[]; topics: { topic: string }[] };
    expect(listed.brokers).toEqual([{ id: broker.nodeId, name: broker.bootstrap }]);
    expect(listed.topics.map((it) => it.topic)).toContain('words-none');
  });

  it('carries keys, headers and tombstones', async () => {
    await kcat(['-P', '-t', 'pairs', '-K', ':', '-H', 'origin=kcat', '-Z'], 'a:1\nb:2\na:\n');
    const { stdout } = await kcat(['-C', '-t', 'pairs', '-e', '-q', '-f', '%k=%s %S %h\n']);
    expect(stdout.toString()).toBe('a=1 1 origin=kcat\nb=2 1 origin=kcat\na= -1 origin=kcat\n');
  });

  it('is idempotent when it is told to be', async () => {
    const produced = await kcat(['-P', '-t', 'once', '-X', 'enable.idempotence=true'], 'a\nb\nc\n');
    expect(produced.code).toBe(0);
    const { stdout } = await kcat(['-C', '-t', 'once', '-e', '-q', '-f', '%o %s\n']);
    expect(stdout.toString()).toBe('0 a\n1 b\n2 c\n');
  });

  it('reads as a group, and goes on where the group was', async () => {
    await kcat(['-P', '-t', 'queue'], 'a\nb\n');
    const read = async () =>
      (await kcat(['-G', 'workers', '-X', 'auto.offset.reset=earliest', '-e', '-q', 'queue'])).stdout.toString();
    expect(await read()).toBe('a\nb\n');
    await kcat(['-P', '-t', 'queue'], 'c\n');
    expect(await read()).toBe('c\n');
  });

  it('finds offsets by time', async () => {
    await kcat(['-P', '-t', 'timed'], 'a\nb\n');
    const { stdout } = await kcat(['-Q', '-t', 'timed:0:0']);
    expect(stdout.toString()).toContain('offset 0');
    const later = await kcat(['-Q', '-t', `timed:0:${Date.now() + 3_600_000}`]);
    expect(later.stdout.toString()).toContain('offset -1');
  });
});
