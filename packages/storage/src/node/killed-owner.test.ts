import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNodeVolume } from './index.ts';
import { byteAt } from './killed-owner.testing.ts';

const rounds = 6;

describe('an owner killed with -9', () => {
  let home: string;
  let directory: string;
  let program: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'odradek-killed-'));
    directory = join(home, 'data');
    program = join(home, 'owner.mjs');
    buildSync({
      entryPoints: [fileURLToPath(new URL('./killed-owner.testing.ts', import.meta.url))],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
    });
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  const start = (): { child: ChildProcess; lines: AsyncIterator<string> } => {
    const child = spawn(process.execPath, [program, directory, 'own'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return {
      child,
      lines: createInterface(child.stdout as NonNullable<typeof child.stdout>)[
        Symbol.asyncIterator
      ](),
    };
  };
  const next = async (lines: AsyncIterator<string>): Promise<string> =>
    (await lines.next()).value as string;

  it(
    'leaves every byte that it synced, and a lock that does not keep the next one out',
    { timeout: 30_000 },
    async () => {
      for (let round = 1; round <= rounds; round++) {
        const { child, lines } = start();
        let last = '';
        for (let i = 0; i < round * 4; i++) last = await next(lines);
        expect(readFileSync(join(directory, 'odradek.pid'), 'utf8')).toBe(`${child.pid}\n`);
        await expect(openNodeVolume({ directory })).rejects.toMatchObject({
          kind: 'locked',
          message: expect.stringContaining(`process ${child.pid}`),
        });
        child.kill('SIGKILL');
        await once(child, 'exit');
        for (let line = await lines.next(); line.done !== true; line = await lines.next())
          last = line.value;

        const [synced, vote] = last.split(' ').map(Number) as [number, number];
        const volume = await openNodeVolume({ directory });
        const log = await volume.open('topic-0/0.log');
        expect(log.sizeBytes).toBeGreaterThanOrEqual(synced);
        const bytes = await log.read(0, log.sizeBytes);
        expect(
          bytes.subarray(0, synced).findIndex((byte, position) => byte !== byteAt(position)),
        ).toBe(-1);
        const found = Number(
          Buffer.from((await volume.readSmall('topic-0/vote')) ?? []).toString(),
        );
        expect([vote, vote + 1]).toContain(found);
        await log.truncate(synced);
        await log.sync();
        await volume.close();
        expect(readdirSync(directory)).toEqual(['topic-0']);
      }
    },
  );

  it('is followed by one of several who start at once', { timeout: 30_000 }, async () => {
    const first = start();
    await next(first.lines);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const starters = Array.from({ length: 4 }, start);
    const said = await Promise.all(starters.map((starter) => next(starter.lines)));
    expect(said.filter((line) => line === 'locked').length).toBe(3);
    const owner = starters[said.findIndex((line) => line !== 'locked')];
    expect(readFileSync(join(directory, 'odradek.pid'), 'utf8')).toBe(`${owner?.child.pid}\n`);
    owner?.child.kill('SIGKILL');
    await Promise.all(
      starters.map(({ child }) => child.exitCode ?? child.signalCode ?? once(child, 'exit')),
    );
  });
});
