// Writes the pages that are facts of the code: docs/api-coverage.md, docs/configuration.md, docs/command.md, docs/machines/*.md. With
// --check it writes nothing and fails when a page is stale, absent or left over.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { apiCoverage } from './generate/api-coverage.mjs';
import { benchmarks } from './generate/benchmarks.mjs';
import { command } from './generate/command.mjs';
import { configuration } from './generate/configuration.mjs';
import { machineOf } from './generate/lifecycle.mjs';
import { loadSources } from './generate/load.mjs';
import { statechart } from './generate/statechart.mjs';
import { filesBelow, packageFolders, root } from './tree.mjs';

const machineFiles = packageFolders()
  .flatMap((folder) => [...filesBelow(join(folder, 'src'))])
  .filter((path) => path.endsWith('.machine.ts'))
  .map((path) => relative(root, path));

const pages = await makePages();
const stale = process.argv.includes('--check') ? findStale() : write();
if (stale.length > 0) {
  process.stderr.write(
    `${stale.map((name) => `${name} is stale`).join('\n')}\nnpm run generate writes them anew\n`,
  );
  process.exit(1);
}

async function makePages() {
  const [config, broker, cli, ...machineModules] = await loadSources([
    'packages/broker/src/config/index.ts',
    'packages/broker/src/handlers/index.ts',
    'packages/cli/src/program.ts',
    ...machineFiles,
  ]);
  const made = new Map([
    ['docs/configuration.md', configuration(config)],
    ['docs/api-coverage.md', apiCoverage(broker.handlers)],
    ['docs/command.md', command(cli)],
  ]);
  const figures = join(root, 'docs/benchmarks.jsonl');
  if (existsSync(figures))
    made.set('docs/benchmarks.md', benchmarks(readFileSync(figures, 'utf8')));
  for (const [index, module] of machineModules.entries()) {
    const source = machineFiles[index];
    const machines = Object.values(module).flatMap(machinesIn);
    if (machines.length === 0) throw new Error(`${source} exports no machine`);
    for (const machine of machines)
      made.set(`docs/machines/${machine.root.key}.md`, statechart(machine, source));
  }
  return made;
}

/** XState's, or a table. */
function machinesIn(exported) {
  if (exported?.root?.machine !== undefined) return [exported];
  return exported?.states === undefined ? [] : [machineOf(exported)];
}

/** Pages whose machine is gone. */
function leftOver() {
  const folder = join(root, 'docs/machines');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => `docs/machines/${name}`)
    .filter((name) => !pages.has(name));
}

function findStale() {
  const differs = ([name, text]) =>
    !existsSync(join(root, name)) || readFileSync(join(root, name), 'utf8') !== text;
  return [...[...pages].filter(differs).map(([name]) => name), ...leftOver()];
}

function write() {
  for (const [name, text] of pages) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  for (const name of leftOver()) rmSync(join(root, name));
  return [];
}
