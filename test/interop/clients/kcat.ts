/** kcat, which is librdkafka: its command writes lines and reads with a format of lengths and bytes. */
import { expect } from 'vitest';
import { run } from '../../support/run.ts';
import type { Sample } from '../record-cases.ts';
import type { RecordClient } from './client.ts';

const KEY_END = '<|key|>';
const RECORD_END = '<|record|>';
/** Timestamp, then lengths (-1: null) before bytes. */
const FORMAT = '%T %K %k %S %s %h\n';

export const kcat = (bootstrap: string): RecordClient => ({
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  // It stamps records itself, and takes an empty line without a key for none.
  cannotWrite: ['neither key nor value', 'a day in 2001', 'the first millisecond'],
  async write(topic, codec, samples) {
    const [{ key, value, headers }] = samples as [Sample];
    const args = ['-b', bootstrap, '-P', '-t', topic, '-z', codec, '-D', RECORD_END];
    if (key !== null) args.push('-K', KEY_END);
    if (value === null) args.push('-Z');
    for (const [name, said] of headers)
      args.push('-H', said === null ? name : `${name}=${said.toString()}`);
    const input = samples.flatMap((it) => [
      ...(it.key === null ? [] : [it.key, Buffer.from(KEY_END)]),
      it.value ?? Buffer.alloc(0),
      Buffer.from(RECORD_END),
    ]);
    const { code, stderr } = await run('kcat', args, { input: Buffer.concat(input) });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  },
  async read(topic) {
    const args = ['-b', bootstrap, '-C', '-t', topic, '-e', '-q', '-f', FORMAT];
    const { code, stdout, stderr } = await run('kcat', args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return parse(stdout);
  },
});

function parse(output: Buffer): readonly (Sample & { timestampMs: number })[] {
  const samples: (Sample & { timestampMs: number })[] = [];
  let at = 0;
  const until = (end: string): string => {
    const found = output.indexOf(end, at);
    const text = output.toString('utf8', at, found);
    at = found + 1;
    return text;
  };
  const field = (): Buffer | null => {
    const length = Number(until(' '));
    const bytes = output.subarray(at, at + Math.max(0, length));
    at += bytes.length + 1;
    return length < 0 ? null : bytes;
  };
  while (at < output.length) {
    const timestampMs = Number(until(' '));
    const [key, value] = [field(), field()];
    const headers = until('\n')
      .split(',')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [name = '', said = ''] = pair.split('=');
        return [name, said === 'NULL' ? null : Buffer.from(said)] as const;
      });
    samples.push({ key, value, headers, timestampMs });
  }
  return samples;
}
