import { describe, expect, it } from 'vitest';
import { FakeBroker } from '@odradek/client/testing';
import { doctor } from './doctor.ts';
import type { Machine } from './doctor-machine.ts';
import { createFakeWorld } from './testing/fake-world.ts';

const healthy: Machine = {
  nodeVersion: '20.19.0',
  portProblem: async () => undefined,
  inspect: async () => ({
    isFolder: true,
    isOwn: true,
    isWritable: true,
    freeBytes: 50e9,
    lockedBy: undefined,
  }),
  syncTimesMs: async () => [3, 1, 2],
  httpDateMs: async () => 1_700_000_000_000,
  wallTimeMs: () => 1_700_000_000_400,
};

async function examine(
  machine: Partial<Machine> = {},
  { isUp = true, pages = {} as Record<string, string> } = {},
) {
  const broker = new FakeBroker();
  broker.isUp = isUp;
  const world = createFakeWorld({ host: broker.host, pages });
  const running = doctor(world, { json: true, httpPort: 9094 }, { ...healthy, ...machine });
  const exitCode = await broker.clock.runUntil(running);
  const findings = world
    .out()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { check: string; status: string; found: string });
  const notOk = findings.filter(({ status }) => status !== 'ok');
  return { exitCode, findings, notOk: notOk.map((it) => `${it.status} ${it.check}: ${it.found}`) };
}

describe('doctor', () => {
  it('finds nothing where all is well', async () => {
    const { exitCode, notOk, findings } = await examine();
    expect({ exitCode, notOk }).toEqual({ exitCode: 0, notOk: [] });
    expect(findings.map(({ check }) => check.split(' ')[0])).toEqual([
      'odradek',
      'node',
      'port',
      'port',
      'data',
      'lock',
      'free',
      'write',
      'broker',
      'broker',
      'WebSocket',
      'clock',
    ]);
  });

  it('says that no broker answers, and ends with 1', async () => {
    const { exitCode, notOk } = await examine({}, { isUp: false });
    expect(exitCode).toBe(1);
    expect(notOk).toEqual([
      expect.stringMatching(/^failed broker 127\.0\.0\.1:9092: no broker can be reached/),
    ]);
  });

  it.each<[string, Partial<Machine>, number, RegExp]>([
    ['an old Node', { nodeVersion: '18.20.4' }, 1, /^failed node: 18\.20\.4/],
    [
      'a port that is not ours',
      { portProblem: async (_, port) => (port === 9094 ? 'EADDRINUSE' : undefined) },
      1,
      /^failed port 9094: something that is no broker has it/,
    ],
    [
      'a port that may not be taken',
      { portProblem: async (_, port) => (port === 9092 ? 'EACCES' : undefined) },
      1,
      /^failed port 9092: it cannot be taken: EACCES/,
    ],
    [
      'a slow disk',
      { syncTimesMs: async () => [80, 90, 100] },
      0,
      /^warning write and flush: 90\.0 ms/,
    ],
    [
      'a disk that fails',
      { syncTimesMs: () => Promise.reject(new Error('EIO')) },
      1,
      /^failed write and flush: EIO/,
    ],
    [
      'clocks apart',
      { wallTimeMs: () => 1_700_000_060_400 },
      0,
      /^warning clock: the broker's is 60 s behind/,
    ],
    [
      'no time by HTTP',
      { httpDateMs: () => Promise.reject(new Error('refused')) },
      0,
      /^warning clock: the broker's time is not known/,
    ],
  ])('finds %s', async (_, machine, code, expected) => {
    const { exitCode, notOk } = await examine(machine);
    expect(exitCode).toBe(code);
    expect(notOk).toEqual([expect.stringMatching(expected)]);
  });

  it('looks at the folder above when the data folder is not there yet', async () => {
    const asked: string[] = [];
    const { exitCode } = await examine({
      inspect: async (path) => {
        asked.push(path);
        return path.endsWith('.odradek') ? undefined : healthy.inspect(path);
      },
    });
    expect(exitCode).toBe(0);
    expect(asked).toHaveLength(2);
  });
});
