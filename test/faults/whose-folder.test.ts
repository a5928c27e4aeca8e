/** A folder has one owner, a port has one listener. Whoever comes second is refused by name, and the first does not notice. */
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ErrorCode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { batchOf, valuesIn } from '../support/batches.ts';
import {
  BrokerDidNotStart,
  BrokerProcess,
  type BrokerProcessOptions,
} from '../support/broker-process.ts';
import { Bystander } from '../support/bystander.ts';
import { startInProcess } from '../support/in-process-broker.ts';
import { createTopic, fetchOnce, produce } from '../support/steps.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { WireClient } from '../support/wire-client.ts';

/** What the command says when it cannot start: its exit code must be 1, or 2 for what was typed wrong. */
const refusalOf = async (
  options: BrokerProcessOptions,
): Promise<{ readonly code: number | null; readonly said: string }> => {
  try {
    await using unexpected = await BrokerProcess.start(options);
    throw new Error(`it started on ${unexpected.bootstrap}`);
  } catch (error) {
    if (!(error instanceof BrokerDidNotStart)) throw error;
    return { code: error.exit.code, said: error.stderr };
  }
};

describe('a data folder', () => {
  it('in use refuses a second broker, naming the folder and the first one', async () => {
    await using folder = await temporaryFolder();
    await using broker = await BrokerProcess.start({ dataDirectory: folder.path });
    await using bystander = await Bystander.start(broker.kafka);
    const { code, said } = await refusalOf({ dataDirectory: folder.path });
    expect(code).toBe(1);
    expect(said).toContain(folder.path);
    expect(said).toContain(String(broker.pid));
    expect(Number(await readFile(join(folder.path, 'odradek.pid'), 'utf8'))).toBe(broker.pid);
    await bystander.stop();
  });

  it('in use refuses a second broker in the same process', async () => {
    await using folder = await temporaryFolder();
    const broker = await startInProcess({ dataDirectory: folder.path });
    await expect(startInProcess({ dataDirectory: folder.path })).rejects.toThrow(
      String(process.pid),
    );
    const client = await WireClient.connect(broker.addresses.kafka!);
    await createTopic(client, 'words');
    client.close();
    await broker.stop();
  });

  it('left by a killed broker is taken over, also when its process id lives on as somebody else', async () => {
    await using folder = await temporaryFolder();
    const first = await BrokerProcess.start({ dataDirectory: folder.path });
    const client = await WireClient.connect(first.kafka);
    await createTopic(client, 'words');
    expect((await produce(client, 'words', 0, batchOf('a'))).errorCode).toBe(ErrorCode.NONE);
    await first.kill('SIGKILL');
    // Its process id has passed to one that began later: this test's own.
    const lock = join(folder.path, 'odradek.pid');
    await writeFile(lock, `${process.pid}\n`);
    const longAgo = new Date(Date.now() - process.uptime() * 1_000 - 60_000);
    await utimes(lock, longAgo, longAgo);
    await using second = await BrokerProcess.start({ dataDirectory: folder.path });
    const again = await WireClient.connect(second.kafka);
    expect(valuesIn((await fetchOnce(again, 'words', 0, 0)).records)).toEqual(['a']);
    again.close();
  });

  it('of another broker is refused by number, and stays as it was', async () => {
    await using folder = await temporaryFolder();
    const owner = await BrokerProcess.start({
      dataDirectory: folder.path,
      flags: ['--node-id', '7'],
    });
    await owner.kill('SIGTERM');
    const { code, said } = await refusalOf({
      dataDirectory: folder.path,
      flags: ['--node-id', '8'],
    });
    expect(code).toBe(1);
    expect(said).toMatch(/belongs to broker 7, and this is broker 8/);
    await using again = await BrokerProcess.start({
      dataDirectory: folder.path,
      flags: ['--node-id', '7'],
    });
    expect(again.log.map((it) => it.msg)).not.toContain(
      'the log was scanned after an unclean stop',
    );
  });

  it('that is a file is refused by name', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'data');
    await writeFile(path, 'not a folder');
    const { code, said } = await refusalOf({ dataDirectory: path });
    expect(code).toBe(1);
    expect(said).toContain(path);
  });

  it('with a folder where a file belongs is refused by name', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'meta.properties'));
    const { code, said } = await refusalOf({ dataDirectory: folder.path });
    expect(code).toBe(1);
    expect(said).toContain('meta.properties');
  });
});

describe('a port', () => {
  it.each([
    ['--port', (port: number): Partial<BrokerProcessOptions> => ({ port })],
    ['--http-port', (port: number): Partial<BrokerProcessOptions> => ({ httpPort: port })],
  ])('in use is named, with the flag that changes it (%s)', async (flag, optionsFor) => {
    await using folder = await temporaryFolder();
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    const { code, said } = await refusalOf({ dataDirectory: folder.path, ...optionsFor(port) });
    expect(code).toBe(1);
    expect(said).toContain(String(port));
    expect(said).toContain(flag);
    server.close();
    // Nothing is left of the attempt that keeps the next one out.
    await using broker = await BrokerProcess.start({ dataDirectory: folder.path });
    expect(broker.bootstrap).toMatch(/^127\.0\.0\.1:\d+$/);
  });
});

it('a configuration that is wrong is refused by name before anything is touched', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'data');
  const { code, said } = await refusalOf({
    dataDirectory: path,
    config: { 'log.retention.msec': '5', 'log.segment.bytes': 'many' },
  });
  expect(code).toBe(2);
  expect(said).toContain('log.retention.msec');
  expect(said).toContain('log.segment.bytes');
  await expect(readFile(join(path, 'meta.properties'))).rejects.toThrow('ENOENT');
});
