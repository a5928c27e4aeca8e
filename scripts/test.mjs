// `npm test`: everything that must hold before a change goes in. Stops at the first stage that fails; the tests run last.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './tree.mjs';

const script = (name, ...args) => [join(root, 'scripts', name), ...args];
const tool = (path, ...args) => [join(root, 'node_modules', path), ...args];
const stages = [
  ['lint', tool('oxlint/bin/oxlint', '--deny-warnings')],
  ['format', tool('oxfmt/bin/oxfmt', '--check')],
  ['types', script('typecheck.mjs')],
  ['generated pages', script('generate.mjs', '--check')],
  ['configuration keys', script('unread-keys.mjs')],
  ['bundle size', script('bundle-size.mjs', '--check')],
  ['build', script('build.mjs')],
  ['build for pages', script('build-web.mjs')],
  // Units first, then the whole system (vitest.config.ts); last, so that the tests' own summary ends the output.
  ['tests', tool('vitest/vitest.mjs', 'run')],
];

const passed = [];
for (const [name, args] of stages) {
  const isLast = passed.length === stages.length - 1;
  if (isLast) process.stdout.write(`\n${passed.join('\n')}\n`);
  process.stdout.write(`\n── ${name}\n`);
  const startedMs = performance.now();
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) stop(name);
  passed.push(`ok    ${name} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
}

function stop(name) {
  const notRun = stages.slice(passed.length + 1).map(([skipped]) => skipped);
  const lines = [
    ...passed,
    `FAIL  ${name}`,
    ...(notRun.length > 0 ? [`not run: ${notRun.join(', ')}`] : []),
  ];
  process.stdout.write(`\n${lines.join('\n')}\n`);
  process.exit(1);
}
