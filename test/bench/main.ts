/**
 * The benchmark: A and B in turns, each beside the machine's own limit, medians and ratios of one run. Results go to a file of
 * JSON lines and to a table; nothing is typed by hand.
 *
 *   npm run bench -- [--rounds 5] [--seconds 2] [--only produce,consume,latency,start,memory,partitions,client,replication,failover,scale] [--peer kafka] [--out FILE]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { clients } from './client-scenario.ts';
import { failover, replication, scale } from './cluster-scenario.ts';
import { comparisons, type Context, type Measurement } from './scenarios.ts';
import { round } from './statistics.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string' },
    peer: { type: 'string' },
    out: { type: 'string' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'odradek-bench-'));
const context: Context = {
  root: process.env.BENCH_ROOT!,
  tools: dirname(process.argv[1]!),
  folder,
  serverCore: 0,
  rounds: Number(values.rounds),
  windowMs: Number(values.seconds) * 1000,
  peer: values.peer === 'kafka' ? 'kafka' : undefined,
  progress: (line) => process.stderr.write(`${line}\n`),
};

const wanted = values.only?.split(',');
const measurements: Measurement[] = [];
try {
  for (const [name, run] of Object.entries({
    ...comparisons,
    client: clients,
    replication,
    failover,
    scale,
  })) {
    if (wanted !== undefined && !wanted.includes(name)) continue;
    context.progress(`== ${name}`);
    for (const measurement of await run(context)) {
      measurements.push(measurement);
      context.progress(row(measurement));
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const machine = {
  cores: cpus().length,
  model: cpus()[0]?.model,
  memoryGiB: round(totalmem() / 2 ** 30, 1),
  node: process.version,
};
if (values.out !== undefined) {
  mkdirSync(dirname(values.out), { recursive: true });
  const lines = measurements.map((it) =>
    JSON.stringify({ ...it, machine, rounds: context.rounds, windowMs: context.windowMs }),
  );
  writeFileSync(values.out, `${lines.join('\n')}\n`);
}
process.stdout.write(`\n${measurements.map(row).join('\n')}\n`);

function row({ name, side, unit, median, low, high, ratioTo, ratio }: Measurement): string {
  const figures = `${String(median).padStart(10)} ${unit.padEnd(7)} (${low} to ${high})`;
  return `${name.padEnd(34)} ${side.padEnd(18)} ${figures.padEnd(44)} ${ratioTo === undefined ? '' : `${ratio} of ${ratioTo}`}`;
}
