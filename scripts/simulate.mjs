// `npm run simulate -- --seeds N --seconds S [--seed X] [--brokers N|mixed] [--mutant NAME] [--faults a,b] [--trace]`: histories
// of whole clusters in virtual time, one after another in one thread. Exit code 1 when a rule was broken (with a mutant: when
// none was). A failing seed is run again with --seed X, and --trace prints all of it. `--step 2` takes every other seed, and
// `--json` ends with the figures on a line of their own: so several processes share the work (simulate-stage.mjs).
import { parseArgs } from 'node:util';
import { loadSources } from './generate/load.mjs';

const { values: given } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string' },
    first: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
    brokers: { type: 'string', default: '3' },
    shape: { type: 'string', default: 'each' },
    mutant: { type: 'string', multiple: true },
    faults: { type: 'string' },
    trace: { type: 'boolean', default: false },
    hashes: { type: 'boolean', default: false },
    twice: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const count = given.seed === undefined ? positive('seeds') : 1;
const first = given.seed === undefined ? positive('first') : positive('seed');
const seconds = positive('seconds');
const step = positive('step');
const brokers = given.brokers === 'mixed' ? given.brokers : positive('brokers');
const mutants = given.mutant ?? [];
const faults = given.faults?.split(',');

const [{ simulate, FAULT_KINDS, formatFailure, formatLine }] = await loadSources([
  'packages/simulator/src/index.ts',
]);
for (const fault of faults ?? [])
  if (!FAULT_KINDS.includes(fault)) fail(`no fault ${fault}: ${FAULT_KINDS.join(', ')}`);

// Brokers and clients make errors by the thousand under harm, and a stack costs more than what made it. Who looks at one
// history wants them.
if (given.seed === undefined) Error.stackTraceLimit = 0;

// What nobody caught would else end the process without a word of the seed.
const uncaught = [];
process.on('unhandledRejection', (error) => uncaught.push(error));
process.on('uncaughtException', (error) => uncaught.push(error));

const total = { simulatedMs: 0, events: 0, acknowledged: 0, polled: 0, faults: new Map() };
const failures = [];
const startedMs = performance.now();
const startedCpu = process.cpuUsage();
let seedsRun = 0;
for (let seed = first; seed < first + count * step; seed += step) {
  const result = await run(seed);
  seedsRun += 1;
  add(result);
  if (given.twice) {
    const again = await run(seed);
    if (again.hash !== result.hash) fail(`seed ${seed}: ${result.hash}, and then ${again.hash}`);
  }
  if (given.hashes) process.stdout.write(`${seed} ${result.hash}\n`);
  if (result.violation !== undefined) {
    failures.push(seed);
    process.stdout.write(`${formatFailure(result)}\n`);
    // A mutant is found once; otherwise more failures than this are more of the same.
    if (mutants.length > 0 || failures.length >= 5) break;
  }
  progress();
}
process.stdout.write(given.json ? `${JSON.stringify(figures())}\n` : summary());
process.exit(failures.length > 0 === mutants.length > 0 ? 0 : 1);

async function run(seed) {
  const result = await simulate({
    seed,
    seconds,
    brokers,
    shape: given.shape,
    mutants,
    faults,
    print: given.trace ? (line) => process.stdout.write(`${formatLine(line)}\n`) : undefined,
  });
  // The host tells of rejections when the history is over.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const [error] = uncaught.splice(0);
  if (error === undefined || result.violation !== undefined) return result;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { ...result, violation: { rule: 'unhandled-error', text, atMs: result.simulatedMs } };
}

function add({ simulatedMs, events, counts, faults: inflicted }) {
  total.simulatedMs += simulatedMs;
  total.events += events;
  total.acknowledged += counts.acknowledged;
  total.polled += counts.polled;
  for (const [kind, times] of inflicted)
    total.faults.set(kind, (total.faults.get(kind) ?? 0) + times);
}

function progress() {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r${seedsRun}/${count} seeds, ${speed()} times real time `);
  if (seedsRun === count) process.stderr.write('\n');
}

/** By the processor's time: what one core does, whoever else is at work. */
function speed() {
  return Math.round(total.simulatedMs / cpuMs());
}

function cpuMs() {
  const { user, system } = process.cpuUsage(startedCpu);
  return (user + system) / 1000;
}

/** Milliseconds as whole numbers: they are added up. */
function figures() {
  const { simulatedMs, faults: inflicted, ...counts } = total;
  return {
    seeds: seedsRun,
    simulatedMs: Math.round(simulatedMs),
    cpuMs: Math.round(cpuMs()),
    ...counts,
    faults: Object.fromEntries(inflicted),
    failures,
  };
}

function summary() {
  const kinds = [...total.faults].sort(([, a], [, b]) => b - a);
  const found = failures.length > 0 ? `violations in seeds ${failures.join(', ')}` : 'no violation';
  return [
    `${seedsRun} seeds of ${seconds} s with ${brokers === 'mixed' ? '3 to 7' : brokers} brokers: ${found}`,
    `simulated  ${Math.round(total.simulatedMs / 1000)} s in ${((performance.now() - startedMs) / 1000).toFixed(1)} s (${(cpuMs() / 1000).toFixed(1)} s of one core): ${speed()} times real time, ${total.events} events`,
    `records    ${total.acknowledged} acknowledged, ${total.polled} read`,
    `faults     ${kinds.reduce((sum, [, times]) => sum + times, 0)}: ${kinds.map(([kind, times]) => `${kind} ${times}`).join(', ') || 'none'}`,
    '',
  ].join('\n');
}

function positive(name) {
  const number = Number(given[name]);
  if (!Number.isInteger(number) || number < 1)
    fail(`--${name} ${given[name]} is no whole number above 0`);
  return number;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
