/**
 * Between the text of a configuration value and the value itself, by the rules of Kafka's ConfigDef: surrounding blanks do not count,
 * booleans in any case, lists cut at commas. A long beyond 2^53 becomes UNLIMITED, and UNLIMITED is written as Long.MAX_VALUE.
 */
import { INT_MAX, UNLIMITED } from './key.ts';
import type { ConfigKey, ConfigType, ConfigValue } from './key.ts';

const LONG_MAX = 2n ** 63n - 1n;

export type ParsedValue =
  | { readonly ok: true; readonly value: Exclude<ConfigValue, null> }
  | { readonly ok: false; readonly reason: string };

/** Parses and validates; the reason of a refusal is a phrase that follows "log.retention.ms=abc: ". */
export function parseValue(key: ConfigKey, text: string): ParsedValue {
  const parsed = parseType(key.type, text.trim());
  if (!parsed.ok) return parsed;
  const reason = key.valid?.check(parsed.value);
  return reason === undefined ? parsed : { ok: false, reason };
}

function parseType(type: ConfigType, text: string): ParsedValue {
  switch (type) {
    case 'boolean':
      return parseBoolean(text);
    case 'int':
      return parseInteger(text, -INT_MAX - 1, INT_MAX, '32-bit integer');
    case 'short':
      return parseInteger(text, -32768, 32767, '16-bit integer');
    case 'long':
      return parseLong(text);
    case 'double':
      return parseDouble(text);
    case 'list':
      return { ok: true, value: text === '' ? [] : text.split(/\s*,\s*/) };
    case 'string':
      return { ok: true, value: text };
  }
}

function parseBoolean(text: string): ParsedValue {
  const word = text.toLowerCase();
  return word === 'true' || word === 'false'
    ? { ok: true, value: word === 'true' }
    : { ok: false, reason: 'must be true or false' };
}

function parseInteger(text: string, minimum: number, maximum: number, name: string): ParsedValue {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= minimum && value <= maximum
    ? { ok: true, value }
    : { ok: false, reason: `is not a ${name}` };
}

function parseLong(text: string): ParsedValue {
  if (!/^[+-]?\d{1,20}$/.test(text)) return { ok: false, reason: 'is not a 64-bit integer' };
  const exact = BigInt(text.replace('+', ''));
  if (exact > LONG_MAX || exact < -LONG_MAX - 1n)
    return { ok: false, reason: 'is not a 64-bit integer' };
  return { ok: true, value: Math.max(-UNLIMITED, Math.min(UNLIMITED, Number(exact))) };
}

function parseDouble(text: string): ParsedValue {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? { ok: true, value } : { ok: false, reason: 'is not a number' };
}

/** As Kafka shows the value of a key: a double always with a point. */
export function formatValue(type: ConfigType, value: ConfigValue): string | null {
  if (value === null) return null;
  if (typeof value === 'object') return value.join(',');
  if (type === 'long' && value === UNLIMITED) return String(LONG_MAX);
  if (type === 'double' && Number.isInteger(value)) return (value as number).toFixed(1);
  return String(value);
}

/** Kafka's ids of these types in DescribeConfigs. */
export const typeCode: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
};
