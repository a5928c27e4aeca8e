/** A cluster for development, as people run it: started by one command, one broker killed and brought back, moved, elected, stopped. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/odradek.js', import.meta.url));
const START_TIMEOUT_MS = 60_000;

interface Told {
  readonly kafka: string;
  readonly brokers: readonly { readonly nodeId: number; readonly pid: number }[];
}

/** `odradek up` in a process, whatever it starts. */
class Up implements AsyncDisposable {
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  stdout = '';
  stderr = '';
  #hasExited = false;

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [COMMAND, 'up', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        this.#hasExited = true;
        resolve(code);
      });
    });
  }

  async told<T>(): Promise<T> {
    await until(() => this.stdout.includes('\n') || this.#hasExited, START_TIMEOUT_MS);
    if (!this.stdout.includes('\n')) throw new Error(`it ended before it was up:\n${this.stderr}`);
    return JSON.parse(this.stdout) as T;
  }

  interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return this.exited;
  }

  /** As a machine's memory killer would: its brokers find out by themselves. */
  kill(): Promise<number | null> {
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasExited) return;
    this.#child.kill('SIGTERM');
    await this.exited;
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('odradek up --brokers 3', { timeout: 180_000 }, () => {
  it('loses a broker, takes it back, moves partitions, elects leaders and stops', async () => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'cluster');
    await using up = new Up([
      ...['--brokers', '3', '--data-dir', dir, '--port', '0', '--json'],
      ...['--set', 'min.insync.replicas=2'],
    ]);
    const { kafka, brokers } = await up.told<Told>();
    expect(brokers.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3]);
    for (const { nodeId, pid } of brokers)
      expect(
        Number.parseInt(await readFile(join(dir, `broker-${nodeId}`, 'odradek.pid'), 'utf8'), 10),
      ).toBe(pid);

    const odradek = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await run(process.execPath, [COMMAND, ...args], {
        env: { ...process.env, ODRADEK_BROKERS: kafka, XDG_CONFIG_HOME: folder.path },
      });
      return { code, out: stdout.toString(), err: stderr };
    };
    const json = async (...args: readonly string[]) => {
      const { code, out, err } = await odradek(...args, '--json');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      return JSON.parse(out) as Record<string, unknown>;
    };
    const troubled = async (): Promise<number> =>
      ((await json('cluster'))['troubled'] as readonly unknown[]).length;
    const produce = async (text: string): Promise<void> => {
      const kcat = ['-b', kafka, '-P', '-t', 'orders', '-X', 'acks=all', '-E'];
      expect(await run('kcat', kcat, { input: text })).toMatchObject({ code: 0 });
    };

    expect(await odradek('topic', 'create', 'orders', '-p', '3', '-r', '3')).toMatchObject({
      code: 0,
    });
    await produce('one\ntwo\n');
    expect((await json('cluster'))['brokers']).toMatchObject(
      [1, 2, 3].map((nodeId) => ({ nodeId, isAway: false, leads: 1, replicas: 3 })),
    );

    // One is killed: it is told, and the others go on.
    const victim = brokers[1]!;
    process.kill(victim.pid, 'SIGKILL');
    await until(() => up.stderr.includes('broker 2 ended by SIGKILL'));
    expect(up.stderr).toContain(`odradek up --node-id 2 --data-dir ${dir}`);
    await until(async () => (await troubled()) > 0);
    await produce('three\n');
    expect((await odradek('cluster')).out).toMatch(/^2 .* away/m);

    // Back by the command that was told, on its folder: every partition is whole again.
    await using back = new Up(['--node-id', '2', '--data-dir', dir, '--json']);
    expect(await back.told()).toMatchObject({
      nodeId: 2,
      kafka: kafka.split(',')[1],
      data: join(dir, 'broker-2'),
    });
    await until(async () => (await troubled()) === 0, 60_000);
    expect(await odradek('cluster', 'elect')).toMatchObject({ code: 0 });
    await until(async () => {
      const shown = (await json('cluster'))['brokers'] as readonly { leads: number }[];
      return shown.every(({ leads }) => leads === 1);
    });
    expect(await odradek('cluster', 'elect')).toMatchObject({
      code: 0,
      err: 'no partition needs an election\n',
    });

    // From three replicas to two, then off broker 2, which leaves it empty.
    const moved = await odradek('cluster', 'reassign', '-t', 'orders', '--to', '1,2');
    expect(moved).toMatchObject({ code: 0, err: '3 partitions are being moved\n' });
    const whenDone = () =>
      until(
        async () =>
          (await odradek('cluster', 'reassign', '--list')).err === 'nothing is being moved\n',
      );
    await whenDone();
    expect(await odradek('cluster', 'reassign', '--remove-broker', '2')).toMatchObject({ code: 0 });
    await whenDone();
    const described = await json('topic', 'describe', 'orders');
    const replicas = (described['partitions'] as readonly { replicas: readonly number[] }[]).map(
      (partition) => partition.replicas.toSorted((a, b) => a - b),
    );
    expect(replicas).toEqual([
      [1, 3],
      [1, 3],
      [1, 3],
    ]);
    const read = await odradek('tail', 'orders', '--exit', '--from', 'earliest');
    expect(read.out.split('\n').sort()).toEqual(['', 'one', 'three', 'two']);

    expect(await back.interrupt()).toBe(0);
    expect(await up.interrupt()).toBe(0);
    for (const nodeId of [1, 2, 3])
      expect(existsSync(join(dir, `broker-${nodeId}`, 'odradek.pid'))).toBe(false);
  });

  it('starts one again that died when it is told to, and leaves none behind when it is killed itself', async () => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'cluster');
    const up = new Up([
      ...['--brokers', '3', '--restart', '--data-dir', dir, '--port', '0', '--json'],
    ]);
    const { brokers } = await up.told<Told>();
    const pidFile = join(dir, 'broker-3', 'odradek.pid');
    process.kill(brokers[2]!.pid, 'SIGKILL');
    await until(() => up.stderr.includes('broker 3 ended by SIGKILL; it is started again'));
    let pid = 0;
    await until(async () => {
      pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => '0'), 10);
      return pid > 0 && pid !== brokers[2]!.pid;
    });
    await up.kill();
    await until(() => ![brokers[0]!.pid, brokers[1]!.pid, pid].some(isAlive), 60_000);
  });
});
