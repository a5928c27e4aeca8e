// Measures the benchmark's bars (test/bench/budgets.json): ratios to the machine's own limits, measured in the same run, so that
// a slow machine is no excuse and a fast one no help. A bar that is broken is measured once more, and both figures are told: the
// disk and the neighbours of a shared machine are not ours. For the same reason a missed bar is told and does not fail; what
// fails is `failsAt`, which no neighbour explains.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './tree.mjs';

/** By how a bar's name begins, which scenario measures it. */
const SCENARIOS = {
  client: 'client',
  produce: 'produce',
  consume: 'consume',
  cold: 'start',
  idle: 'memory',
  '2,000 partitions': 'partitions',
  'acks=all': 'replication',
};

const scenarioOf = (name) => {
  const found = Object.entries(SCENARIOS).find(([beginning]) => name.startsWith(beginning));
  if (found === undefined) throw new Error(`no scenario measures "${name}"`);
  return found[1];
};

const measure = (scenarios, attempt) => {
  const out = join(root, '.cache', `budgets-${attempt}.jsonl`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  const args = [
    '--rounds',
    '3',
    '--seconds',
    '1',
    '--only',
    [...scenarios].join(','),
    '--out',
    out,
  ];
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'bench.mjs'), ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error(`the benchmark ended with ${status}`);
  return readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
};

const judge = (budget, measurements) => {
  const found = measurements.find((it) => it.name === budget.name && it.side === budget.side);
  if (found === undefined) return { isHeld: false, isBroken: true, said: 'was not measured' };
  const isFloor = budget.ratioMin !== undefined;
  const value = budget.valueMax === undefined ? found.ratio : found.median;
  const bar = budget.ratioMin ?? budget.ratioMax ?? budget.valueMax;
  const isBeyond = (limit) => (isFloor ? value < limit : value > limit);
  const said = `${value} (${isFloor ? 'at least' : 'at most'} ${bar}; fails at ${budget.failsAt})`;
  return { isHeld: !isBeyond(bar), isBroken: isBeyond(budget.failsAt), said };
};

/** Judged by tests of their own, test/cluster/kills and scale: here they would cost minutes more. */
const ELSEWHERE = ['kill -9', '1,000 partitions'];

const budgets = JSON.parse(readFileSync(join(root, 'test/bench/budgets.json'), 'utf8')).filter(
  ({ name }) => !ELSEWHERE.some((beginning) => name.startsWith(beginning)),
);
let open = budgets;
let broken = [];
let missed = 0;
const lines = [];
for (const attempt of [1, 2]) {
  if (open.length === 0) break;
  const measurements = measure(new Set(open.map((it) => scenarioOf(it.name))), attempt);
  broken = [];
  open = open.filter((budget) => {
    const { isHeld, isBroken, said } = judge(budget, measurements);
    const again = attempt === 2 ? ' at the second try' : '';
    lines.push(
      `${isHeld ? 'held  ' : isBroken ? 'BROKEN' : 'missed'} ${budget.name}, ${budget.side}: ${said}${again}`,
    );
    if (isBroken) broken.push(budget);
    if (!isHeld && !isBroken) missed += 1;
    return isBroken;
  });
}
process.stdout.write(
  `\nBudgets\n${lines.join('\n')}\n${missed + open.length} bar(s) missed\n${budgets.length - broken.length} passed, ${broken.length} failed\n`,
);
process.exit(broken.length === 0 ? 0 : 1);
