// Type-checks every package as it is compiled for its place (domain packages without a host), then all tests; two at a time.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageFolders, root } from './tree.mjs';

const AT_ONCE = 2;
const projects = [
  ...packageFolders().map((folder) => join(folder, 'tsconfig.json')),
  join(root, 'tsconfig.tests.json'),
  join(root, 'tsconfig.browser.json'),
].filter((path) => existsSync(path));

const failed = [];
const waiting = [...projects];
await Promise.all(Array.from({ length: AT_ONCE }, work));
if (failed.length > 0) {
  process.stderr.write(
    `\ntypes do not fit in ${failed.map((path) => relative(root, path)).join(', ')}\n`,
  );
  process.exit(1);
}

async function work() {
  for (let project = waiting.shift(); project !== undefined; project = waiting.shift()) {
    const { code, output } = await check(project);
    if (code === 0) continue;
    failed.push(project);
    process.stderr.write(output);
  }
}

function check(project) {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false', '-p', project],
      { cwd: root },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject).on('close', (code) => resolve({ code, output }));
  });
}
