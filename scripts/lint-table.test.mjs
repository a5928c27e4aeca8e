// The import table of .oxlintrc.json against the drawing of the design: every pair of packages is tried with a planted import.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './tree.mjs';

const DOMAIN = [
  'protocol',
  'ports',
  'log',
  'quorum',
  'replication',
  'coordinator',
  'broker',
  'client',
  'simulator',
];
const ADAPTERS = ['storage', 'transport', 'compression'];
const HOST = ['broker', 'client', ...ADAPTERS, 'protocol', 'ports'];
const SHARED = ['protocol', 'ports'];

/** Who may import whom: docs/architecture.md. "types" is an import of types only. */
const drawing = {
  protocol: [],
  ports: [],
  log: SHARED,
  quorum: [...SHARED, 'log: types'],
  replication: [...SHARED, 'log: types'],
  coordinator: [...SHARED, 'log: types'],
  client: [...SHARED, 'log: types'],
  broker: ['replication', 'coordinator', 'quorum', 'log', ...SHARED],
  storage: ['ports'],
  transport: ['ports'],
  compression: ['ports'],
  node: HOST,
  web: HOST,
  cli: ['node', 'client', ...SHARED],
  // Of storage the memory alone (the test below).
  simulator: ['broker', 'client', ...SHARED],
};
const names = [...new Set([...Object.keys(drawing), 'console'])];

let folder;
let complaints;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'odradek-lint-'));
  copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  for (const from of Object.keys(drawing)) {
    for (const to of names.filter((name) => name !== from)) {
      plant(from, `value-${to}`, `import { x } from '@odradek/${to}';\nexport const y = x;\n`);
      plant(from, `types-${to}`, `import type { X } from '@odradek/${to}';\nexport type Y = X;\n`);
      plant(
        from,
        `file-${to}`,
        `import { x } from '../../${to}/src/index.ts';\nexport const y = x;\n`,
      );
    }
    plant(
      from,
      'within',
      `import { x } from './value-${from}.ts';\nimport { z } from '../elsewhere.ts';\nexport const y = [x, z];\n`,
    );
    if (from === 'simulator') {
      plant(from, 'memory', `import { x } from '@odradek/storage/memory';\nexport const y = x;\n`);
      plant(from, 'disk', `import { x } from '@odradek/storage/node';\nexport const y = x;\n`);
    }
    plant(from, 'node', `import { x } from 'node:fs';\nexport const y = x;\n`);
    plant(from, 'clock', 'export const y = Date.now();\n');
    plant(from, 'date', 'export const y = new Date();\n');
    plant(from, 'chance', 'export const y = Math.random();\n');
    plant(from, 'timer', 'export const y = setTimeout(() => {}, 1);\n');
  }
  complaints = lint();
});
afterAll(() => rmSync(folder, { recursive: true }));

function plant(from, name, text) {
  const path = join(folder, 'packages', from, 'src', `${name}.ts`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** The files that the linter complains about, as "broker/value-log". */
function lint() {
  let output;
  try {
    output = execFileSync(
      process.execPath,
      [join(root, 'node_modules/oxlint/bin/oxlint'), '--format=unix'],
      { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
  } catch (error) {
    output = error.stdout;
  }
  return new Set(
    [...output.matchAll(/packages\/([a-z]+)\/src\/([a-z-]+)\.ts:\d+:\d+: .*no-restricted/g)].map(
      ([, from, name]) => `${from}/${name}`,
    ),
  );
}

const isAllowed = (from, name) => !complaints.has(`${from}/${name}`);

describe.each(Object.keys(drawing))('%s', (from) => {
  const others = names.filter((name) => name !== from);
  const byValue = drawing[from].filter((name) => !name.endsWith(': types'));
  const byTypes = drawing[from].map((name) => name.replace(': types', ''));

  it(`imports ${byValue.join(', ') || 'nothing'}`, () => {
    expect(others.filter((to) => isAllowed(from, `value-${to}`))).toEqual(
      others.filter((to) => byValue.includes(to)),
    );
  });

  it(`imports types of ${byTypes.join(', ') || 'nothing'}`, () => {
    expect(others.filter((to) => isAllowed(from, `types-${to}`))).toEqual(
      others.filter((to) => byTypes.includes(to)),
    );
  });

  it('imports no other package by its files, and its own as it likes', () => {
    expect(others.filter((to) => isAllowed(from, `file-${to}`))).toEqual([]);
    expect(isAllowed(from, 'within')).toBe(true);
  });

  it(DOMAIN.includes(from) ? 'has no host: no node:, clock, chance, timers' : 'has a host', () => {
    expect(
      ['node', 'clock', 'date', 'chance', 'timer'].filter((name) => isAllowed(from, name)),
    ).toEqual(DOMAIN.includes(from) ? [] : ['node', 'clock', 'date', 'chance', 'timer']);
  });
});

it('the simulator’s disks are in memory', () => {
  expect(isAllowed('simulator', 'memory')).toBe(true);
  expect(isAllowed('simulator', 'disk')).toBe(false);
});
