/** The command as it is built and run: processes, pipes, signals, exit codes. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BrokerDidNotStart, BrokerProcess } from '../support/broker-process.ts';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url));
const odradek = (args: readonly string[], options: Parameters<typeof run>[2] = {}) =>
  run(process.execPath, [COMMAND, ...args], options);

describe('the built command', () => {
  it('is compiled ahead of time, and V8 agrees', async () => {
    await using folder = await temporaryFolder();
    const spy = join(folder.path, 'spy.cjs');
    await writeFile(
      spy,
      `const vm = require('node:vm');
       vm.Script = class extends vm.Script {
         constructor(source, options) { super(source, options); console.error('rejected: ' + this.cachedDataRejected); }
       };`,
    );
    const { stdout, stderr } = await run(process.execPath, [
      '--require',
      spy,
      COMMAND,
      '--version',
    ]);
    expect(stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(stderr).toBe('rejected: false\n');
  });

  it('starts, produces, tails and stops', async () => {
    await using folder = await temporaryFolder();
    const dataDirectory = join(folder.path, 'data');
    await using broker = await BrokerProcess.start({
      dataDirectory,
      config: { 'num.partitions': '1' },
    });
    const pidFile = join(dataDirectory, 'odradek.pid');
    expect(Number.parseInt(await readFile(pidFile, 'utf8'), 10)).toBe(broker.pid);

    const brokers = ['--brokers', broker.bootstrap];
    // A megabyte of lines, some empty, with bytes that are no text.
    const lines = Buffer.concat(
      Array.from({ length: 20_000 }, (_, n) =>
        Buffer.from(n % 7 === 0 ? '\n' : `${n} \u00e9 ${'x'.repeat(n % 97)}\xff\n`, 'latin1'),
      ),
    );
    const produced = await odradek(['produce', 'lines', '--compression', 'lz4', ...brokers], {
      input: lines,
    });
    // What takes longer than a second says more.
    expect(produced.code).toBe(0);
    expect(produced.stderr).toMatch(/^20000 records to lines/m);
    const tailed = await odradek(['tail', 'lines', '--exit', '--offset', 'beginning', ...brokers]);
    expect(tailed).toMatchObject({ code: 0, stderr: '' });
    expect(tailed.stdout.equals(lines)).toBe(true);

    const listed = await odradek(['topic', 'list', ...brokers]);
    expect(listed.stdout.toString()).toContain('lines  1           1\n');

    expect(await broker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(existsSync(pidFile)).toBe(false);
  });

  it('ends quietly when nobody reads what it prints', async () => {
    await using folder = await temporaryFolder();
    await using broker = await BrokerProcess.start({ dataDirectory: join(folder.path, 'data') });
    const lines = 'a line that is long enough to fill a pipe\n'.repeat(20_000);
    await odradek(['produce', 't', '--brokers', broker.bootstrap], { input: lines });
    const pipe = `"${process.execPath}" "${COMMAND}" tail t -o beginning --brokers ${broker.bootstrap} | head -n 2; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await run('bash', ['-c', pipe]);
    expect(stdout.toString()).toBe(`${lines.slice(0, lines.indexOf('\n') + 1).repeat(2)}0\n`);
    expect(stderr).toBe('');
  });

  it('refuses a folder that another broker uses, by its process', async () => {
    await using folder = await temporaryFolder();
    const dataDirectory = join(folder.path, 'data');
    await using broker = await BrokerProcess.start({ dataDirectory });
    const refusal = await BrokerProcess.start({ dataDirectory }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(BrokerDidNotStart);
    const { exit, stderr } = refusal as BrokerDidNotStart;
    expect(exit.code).toBe(1);
    expect(stderr).toContain(String(broker.pid));
    expect(stderr).toContain(dataDirectory);
  });

  it('refuses a port that is taken', async () => {
    await using folder = await temporaryFolder();
    await using broker = await BrokerProcess.start({ dataDirectory: join(folder.path, 'one') });
    const second = await odradek([
      'up',
      '--memory',
      '--port',
      String(broker.kafka.port),
      '--http-port',
      '0',
    ]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(String(broker.kafka.port));
    expect(second.stderr).toContain('--port');
  });

  it.each<[readonly string[], NodeJS.ProcessEnv, string]>([
    [
      ['--set', 'log.retention.m=1'],
      {},
      'log.retention.m is not a configuration key; did you mean log.retention.ms? (--set)',
    ],
    [
      ['--set', 'ssl.keystore.location=x'],
      {},
      "ssl.keystore.location is Kafka's and belongs to TLS",
    ],
    [['--set', 'num.partitions=none'], {}, 'num.partitions=none: is not a 32-bit integer (--set)'],
    [[], { ODRADEK_NUM_PARTITION: '1' }, 'did you mean num.partitions? (ODRADEK_NUM_PARTITION)'],
    [['--config', '/no/such/file'], {}, 'There is no configuration file /no/such/file'],
  ])('refuses what it cannot understand: %j %j', async (args, environment, message) => {
    const { code, stdout, stderr } = await odradek(
      ['up', '--memory', '--port', '0', '--http-port', '0', ...args],
      { env: { ...process.env, ...environment } },
    );
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it("takes Kafka's .properties, and says what has no effect in it", async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'server.properties');
    await writeFile(file, 'node.id=7\nnum.io.threads=8\nlog.dirs=elsewhere\n');
    await using broker = await BrokerProcess.start({
      dataDirectory: join(folder.path, 'data'),
      flags: ['--config', file],
    });
    expect(broker.log.map(({ msg }) => msg)).toContain(
      'num.io.threads has no effect: a broker runs on one thread',
    );
    expect(existsSync(join(folder.path, 'data'))).toBe(true);
    expect(existsSync(join(folder.path, 'elsewhere'))).toBe(false);
  });

  it('goes over WebSocket when the address says so', async () => {
    await using folder = await temporaryFolder();
    await using broker = await BrokerProcess.start({ dataDirectory: join(folder.path, 'data') });
    const brokers = ['--brokers', broker.websocket];
    expect(await odradek(['produce', 't', ...brokers], { input: 'a\nb\n' })).toMatchObject({
      code: 0,
    });
    const { stdout } = await odradek(['tail', 't', '-e', ...brokers]);
    expect(stdout.toString()).toBe('a\nb\n');
  });

  it('ends as interrupted by Ctrl-C, with what was read sent and told', async () => {
    await using folder = await temporaryFolder();
    await using broker = await BrokerProcess.start({ dataDirectory: join(folder.path, 'data') });
    const producer = spawn(process.execPath, [COMMAND, 'produce', 't', '-b', broker.bootstrap]);
    let said = '';
    producer.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = new Promise((resolve) => producer.on('close', resolve));
    producer.stdin.write('a\n');
    const tail = () => odradek(['tail', 't', '-e', '--json', '-b', broker.bootstrap]);
    await until(async () => (await tail()).stdout.toString().includes('"a"'));
    producer.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(said).toMatch(/^1 record to t/);
  });

  // util-linux's `script` gives a program a terminal.
  if (process.platform === 'linux')
    it('looks after a person at a terminal', async () => {
      await using folder = await temporaryFolder();
      await using broker = await BrokerProcess.start({ dataDirectory: join(folder.path, 'data') });
      const atTerminal = async (args: string, input = ''): Promise<string> => {
        const line = `"${process.execPath}" "${COMMAND}" ${args} -b ${broker.bootstrap}`;
        const { stdout } = await run('script', ['-qec', line, '/dev/null'], { input });
        return stdout.toString().replaceAll('\r', '');
      };
      expect(await atTerminal('topic create t')).toContain('next: odradek produce t');
      expect(await atTerminal('topic list')).toContain('\u001b[1mTOPIC');
      expect(await atTerminal('topic list --no-color')).toMatch(/^TOPIC/m);
      expect(await atTerminal('topic delete t', 'no\n')).toContain('not confirmed: t stays');
      expect(await atTerminal('bench produce -n 500')).toContain('\u2588');
      expect(await atTerminal('top -i 1 -n 2')).toMatch(/\u001b\[\d+A/);
      expect(await atTerminal('topic delete t', 't\n')).toContain('deleted t');
    });
});
