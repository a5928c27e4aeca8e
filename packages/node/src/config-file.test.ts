import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBrokerConfig } from '@odradek/broker';
import { ConfigSourceError, readConfigEntries } from './config-file.ts';

describe('reading a configuration', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'odradek-config-'))));
  afterAll(() => rm(folder, { recursive: true }));

  async function file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  }

  it('lets flags win over the environment, that over files, and a later file over an earlier', async () => {
    const first = await file(
      'first.properties',
      'node.id=1\nlog.retention.ms=1001\nnum.partitions=1\nmessage.max.bytes=5001\n',
    );
    const second = await file(
      'second.properties',
      'log.retention.ms=1002\nnum.partitions=2\nmessage.max.bytes=5002\n',
    );
    const entries = await readConfigEntries({
      files: [first, second],
      environment: { ODRADEK_NUM_PARTITIONS: '3', ODRADEK_MESSAGE_MAX_BYTES: '5003', PATH: '/bin' },
      set: ['message.max.bytes=5004'],
    });
    const { config, problems } = parseBrokerConfig(entries);
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(config).toMatchObject({
      'node.id': 1,
      'log.retention.ms': 1002,
      'num.partitions': 3,
      'message.max.bytes': 5004,
    });
  });

  it('tells of each value where it was written', async () => {
    const path = await file('server.properties', '# ours\nnode.id = 7\n');
    const entries = await readConfigEntries({
      files: [path],
      environment: { ODRADEK_LOG_RETENTION_MS: '1000', ODRADEK_HOME: '/srv' },
      environmentExceptions: ['ODRADEK_HOME'],
      flags: [{ key: 'log.dirs', value: '/data', origin: '--data-dir' }],
      set: ['min.insync.replicas=2'],
    });
    expect(entries).toEqual([
      { key: 'node.id', value: '7', origin: `${path} line 2` },
      { key: 'log.retention.ms', value: '1000', origin: 'ODRADEK_LOG_RETENTION_MS' },
      { key: 'log.dirs', value: '/data', origin: '--data-dir' },
      { key: 'min.insync.replicas', value: '2', origin: '--set' },
    ]);
  });

  it('keeps what follows the first equals sign, and an empty value', async () => {
    const entries = await readConfigEntries({ set: ['a=b=c', ' d = ', 'e='] });
    expect(entries.map(({ key, value }) => [key, value])).toEqual([
      ['a', 'b=c'],
      ['d', ' '],
      ['e', ''],
    ]);
  });

  it.each(['log.retention.ms', '=1', '', '  =x'])('does not understand --set %j', async (text) => {
    await expect(readConfigEntries({ set: [text] })).rejects.toThrow(/Write it as --set key=value/);
  });

  it('says what to do when the file is not there, is a folder, or is no text', async () => {
    const missing = readConfigEntries({ files: [join(folder, 'missing.properties')] });
    await expect(missing).rejects.toThrow(ConfigSourceError);
    await expect(missing).rejects.toThrow(/There is no configuration file .*missing\.properties/);
    await expect(readConfigEntries({ files: [folder] })).rejects.toThrow(/is a folder/);
    await expect(
      readConfigEntries({
        files: [await file('latin1.properties', Uint8Array.of(0x61, 0x3d, 0xe9))],
      }),
    ).rejects.toThrow(/not UTF-8/);
  });

  it('is nothing when nothing was written', async () => {
    expect(await readConfigEntries({})).toEqual([]);
  });
});
