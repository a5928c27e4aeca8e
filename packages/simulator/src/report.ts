/** A broken rule, told so that a person can see how it came to it: the rule, the timeline of faults, the last words of each. */
import type { SimulationResult } from './simulation-options.ts';
import type { TraceLine } from './trace.ts';

const TIMELINE_LINES = 60;
const LAST_LINES = 12;

export const formatLine = ({ atMs, who, text }: TraceLine): string =>
  `${(atMs / 1000).toFixed(6).padStart(12)}  ${who.padEnd(16)} ${text}`;

export function formatFailure({ seed, hash, violation, trace }: SimulationResult): string {
  if (violation === undefined) return `seed ${seed}: no rule was broken (trace ${hash})`;
  const lines = [
    `seed ${seed} breaks ${violation.rule} at ${(violation.atMs / 1000).toFixed(3)} s (trace ${hash})`,
    `  ${violation.text}`,
    '',
    'how it came to it:',
    ...trace.milestones.slice(-TIMELINE_LINES).map(formatLine),
  ];
  for (const who of trace.speakers) {
    const last = trace.lastLines(who, LAST_LINES);
    // What is in the timeline already says nothing new.
    if (last.every((line) => trace.milestones.includes(line))) continue;
    lines.push('', `the last of ${who}:`, ...last.map(formatLine));
  }
  return lines.join('\n');
}
