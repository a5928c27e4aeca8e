/** Where to begin or to stop in a partition, as people write it. */
import { InvalidArgumentError } from 'commander';
import type { StartingPoint } from '@odradek/client';

/** An age becomes a time when the command runs. */
export type Place = StartingPoint | { readonly agoMs: number };

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
export const PLACES = 'earliest, latest, N, -N (the last N), a time (2026-01-31T12:00Z), 10m ago';

export function place(text: string): Place {
  const word = text.trim().toLowerCase();
  if (word === 'earliest' || word === 'beginning') return { at: 'earliest' };
  if (word === 'latest' || word === 'end') return { at: 'latest' };
  if (/^-?\d{1,15}$/.test(word)) return { offset: Number(word) };
  const since = /^@(\d{1,15})$/.exec(word)?.[1];
  if (since !== undefined) return { timestampMs: Number(since) };
  const agoMs = parseAge(word);
  if (agoMs !== undefined) return { agoMs };
  const timestampMs = Date.parse(text);
  if (!/\d{4}-\d{2}/.test(text) || Number.isNaN(timestampMs))
    throw new InvalidArgumentError(`It is none of ${PLACES}.`);
  return { timestampMs };
}

export const placeAt = (where: Place, nowMs: number): StartingPoint =>
  'agoMs' in where ? { timestampMs: nowMs - where.agoMs } : where;

/** "10m", "1h30m ago", "2d". */
function parseAge(text: string): number | undefined {
  const bare = text.replace(/\s*ago$/, '').replaceAll(/\s+/g, '');
  if (!/^(?:\d{1,9}(?:ms|[smhdw]))+$/.test(bare)) return undefined;
  return [...bare.matchAll(/(\d+)(ms|[smhdw])/g)].reduce(
    (total, [, count, unit]) => total + Number(count) * UNITS_MS[unit ?? '']!,
    0,
  );
}
