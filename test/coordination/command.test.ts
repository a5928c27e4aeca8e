/** `odradek tree` as people and scripts run it. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url));
let broker: InProcessBroker;

beforeAll(async () => {
  broker = await startInProcess({ memory: true });
});
afterAll(() => broker.dispose());

const environment = () => ({
  ...process.env,
  ODRADEK_BROKERS: broker.bootstrap,
  XDG_CONFIG_HOME: broker.dataDirectory,
});

async function tree(...args: readonly string[]) {
  const { code, stdout, stderr } = await run(process.execPath, [COMMAND, 'tree', ...args], {
    env: environment(),
  });
  return { code, out: stdout.toString(), err: stderr };
}

describe('odradek tree', () => {
  it('makes, reads, changes, lists and removes nodes', async () => {
    const created = await tree('create', '/settings/colour', 'blue', '--parents');
    expect(created).toEqual({ code: 0, out: '/settings/colour\n', err: '' });
    expect((await tree('get', '/settings/colour')).out).toBe('blue');
    expect((await tree('set', '/settings/colour', 'green', '--expected-version', '0')).code).toBe(
      0,
    );
    const { out } = await tree('get', '/settings/colour', '--json');
    expect(JSON.parse(out)).toMatchObject({
      path: '/settings/colour',
      value: 'green',
      version: 1,
      ephemeralOwner: null,
    });
    expect((await tree('create', '/settings/job-', '--sequential')).out).toMatch(
      /^\/settings\/job-\d{10}\n$/,
    );
    expect((await tree('list', '/settings')).out).toMatch(/^colour\njob-\d{10}\n$/);
    expect((await tree('list')).out).toBe('settings\n');
    expect((await tree('delete', '/settings/colour')).code).toBe(0);
  });

  it('says in a line why it cannot', async () => {
    expect(await tree('get', '/none')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/\/none is not there/) as string,
    });
    await tree('create', '/versioned');
    expect(await tree('set', '/versioned', 'x', '--expected-version', '7')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/in version 0, not 7/) as string,
    });
    expect((await tree('create', '/versioned')).err).toMatch(/\/versioned is there/);
    expect((await tree('watch', '/versioned', '--scope', 'all')).code).toBe(2);
  });

  it('watches until it is stopped', async () => {
    await tree('create', '/watched');
    const args = [COMMAND, 'tree', 'watch', '/watched', '--scope', 'subtree', '--json'];
    const child = spawn(process.execPath, args, { env: environment() });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    // It begins at some moment: until then nobody is told.
    await until(async () => {
      await tree('set', '/watched', 'x');
      return said.includes('changed');
    });
    await tree('create', '/watched/child');
    await until(() => said.includes('/watched/child'));
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    const kinds = said
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    expect(kinds.at(-1)).toBe('created');
  });
});
