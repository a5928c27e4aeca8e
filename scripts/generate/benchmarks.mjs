// docs/benchmarks.md: the table of docs/benchmarks.jsonl, which `npm run bench -- --out docs/benchmarks.jsonl` writes.
import { table } from './markdown.mjs';

const figure = (value) => value.toLocaleString('en', { maximumFractionDigits: 2 });

export const benchmarks = (jsonl) => {
  const measurements = jsonl
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const byName = groupBy(measurements);
  const { machine, rounds, windowMs } = measurements[0];
  const sections = [...byName].map(
    ([name, sides]) =>
      `## ${name}\n\n${table(
        ['', `median, ${sides[0].unit}`, 'lowest', 'highest', 'ratio'],
        sides.map((it) => [
          it.side,
          figure(it.median),
          figure(it.low),
          figure(it.high),
          it.ratio === undefined ? '' : `${figure(it.ratio)} of ${it.ratioTo}`,
        ]),
      )}`,
  );
  return `# Benchmarks

Generated from docs/benchmarks.jsonl by \`npm run generate\`; \`npm run bench -- --peer kafka --out docs/benchmarks.jsonl\` measures
anew. All sides of a table took turns in one run, ${rounds} rounds of ${windowMs / 1000} s each, server on one core and client on the other; medians,
and the median of the rounds' ratios. "Raw" is the machine's own limit for the same bytes: no checking, no log, no protocol. The
client is the same for all sides, but where the clients themselves are compared (\`client: ...\`): there all work against the same
broker, without flushing, in the quickest way that each one's documentation shows. Apache Kafka runs with its default settings
(1 GiB heap), which leave flushing to the system. Where there are replicas, three broker processes, the client and all three disks
are the one machine.

Machine: ${machine.cores} cores (${machine.model}), ${machine.memoryGiB} GiB, Node ${machine.node}.

${sections.join('\n\n')}
`;
};

const groupBy = (measurements) => {
  const groups = new Map();
  for (const it of measurements) groups.set(it.name, [...(groups.get(it.name) ?? []), it]);
  return groups;
};
