// `node scripts/mutants.mjs [--only a,b] [--seeds N] [--seconds S] [--write]`: how many seeds it takes the simulator to find each
// known bug (packages/simulator/src/mutants.ts). --write puts what was found into the table of docs/simulator.md; rows of bugs
// that were not hunted stay. Exit code 1 when one was not found.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSources } from './generate/load.mjs';
import { root } from './tree.mjs';

const { values: given } = parseArgs({
  options: {
    only: { type: 'string' },
    seeds: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '60' },
    write: { type: 'boolean', default: false },
  },
});
const PAGE = join(root, 'docs', 'simulator.md');
const BEGIN = '<!-- mutants: written by scripts/mutants.mjs -->';
const END = '<!-- end of mutants -->';

const [{ simulate, KNOWN_BUGS }] = await loadSources(['packages/simulator/src/index.ts']);
Error.stackTraceLimit = 0;
// What nobody caught is a broken rule, too.
let uncaught = 0;
process.on('unhandledRejection', () => (uncaught += 1));
process.on('uncaughtException', () => (uncaught += 1));

const names = given.only?.split(',');
const hunted = KNOWN_BUGS.filter(({ name }) => names === undefined || names.includes(name));
const found = new Map();
for (const bug of hunted) {
  const result = await hunt(bug);
  found.set(bug.name, result);
  process.stdout.write(
    `${bug.name}: ${result ? `seed ${result.seed}, ${result.rule}: ${result.text}` : 'not found'}\n`,
  );
}
if (given.write) write();
process.exit([...found.values()].every((it) => it !== undefined) ? 0 : 1);

async function hunt({ name, shape }) {
  for (let seed = 1; seed <= Number(given.seeds); seed += 1) {
    const violation = await run(seed, shape, [name]);
    if (violation === undefined) continue;
    // What breaks a rule without the bug is no finding of the bug.
    const other = await run(seed, shape, []);
    if (other === undefined) return { seed, ...violation };
    process.stdout.write(`seed ${seed} breaks ${other.rule} without ${name}: ${other.text}\n`);
  }
  return undefined;
}

async function run(seed, shape, mutants) {
  uncaught = 0;
  const options = { seed, seconds: Number(given.seconds), brokers: 3, shape, mutants };
  const { violation } = await simulate(options);
  // The host tells of rejections when the history is over.
  await new Promise((resolve) => setTimeout(resolve, 0));
  return violation ?? (uncaught > 0 ? { rule: 'unhandled-error', text: '' } : undefined);
}

function write() {
  const page = readFileSync(PAGE, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const [table, after] = rest.split(END);
  const rows = new Map(
    table
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => [/`([^`]+)`/.exec(line)[1], line]),
  );
  for (const { name, number, origin, what } of hunted) {
    const result = found.get(name);
    const where = result ? `${result.seed} | ${result.rule}` : 'not found | ';
    rows.set(name, `| \`${name}\` | ${number ?? ''} | ${origin} | ${what} | ${where} |`);
  }
  const lines = KNOWN_BUGS.flatMap(({ name }) => rows.get(name) ?? []);
  const head =
    '| mutant | no. | known from | what it does | found with seed | by rule |\n| --- | --- | --- | --- | --- | --- |';
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${head}\n${lines.join('\n')}\n\n${END}${after}`);
}
