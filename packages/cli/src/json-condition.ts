/**
 * `--where`: a condition on a JSON value. A path of names and [indexes] ([*] for any), one of = != > >= < <= ~, and what to compare with:
 * numbers with numbers, otherwise as text. "user.id=5", "items[*].sku=x7", "total>=100", "name~/^a/i".
 */
import { regularExpression } from './regular-expression.ts';
import { UsageError } from './world.ts';

type Step = string | number | typeof ANY;
const ANY = Symbol('any');

export function jsonCondition(text: string): (json: unknown) => boolean {
  const match = /^([^=!<>~]+?)\s*(!=|>=|<=|=|>|<|~)\s*(.*)$/s.exec(text.trim());
  if (match === null)
    throw new UsageError(`--where ${text}: write it as path=value (also != > >= < <= ~)`);
  const [, path = '', operator = '', wanted = ''] = match;
  const steps = stepsOf(path, text);
  const holds = comparison(operator, unquote(wanted));
  // "Is not" must hold for all that the path finds, everything else for one of them.
  return operator === '!='
    ? (json) => valuesAt(json, steps).every(holds)
    : (json) => valuesAt(json, steps).some(holds);
}

function stepsOf(path: string, text: string): readonly Step[] {
  const steps: Step[] = [];
  const rest = path
    .trim()
    .replace(/^\$\.?/, '')
    .replaceAll(/\[(\d+|\*)\]/g, '.[$1]');
  for (const part of rest.split('.').filter((each) => each !== '')) {
    const index = /^\[(\d+|\*)\]$/.exec(part)?.[1];
    steps.push(index === undefined ? part : index === '*' ? ANY : Number(index));
  }
  if (steps.length === 0) throw new UsageError(`--where ${text}: the path is empty`);
  return steps;
}

function valuesAt(json: unknown, steps: readonly Step[]): readonly unknown[] {
  let found: readonly unknown[] = [json];
  for (const step of steps) {
    found = found.flatMap((value): readonly unknown[] => {
      if (step === ANY) return Array.isArray(value) ? value : [];
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return [];
      return [(value as Readonly<Record<string | number, unknown>>)[step]];
    });
  }
  return found;
}

function comparison(operator: string, wanted: string): (value: unknown) => boolean {
  if (operator === '~') {
    const expression = regularExpression(wanted);
    return (value) => {
      const text = textOf(value);
      return expression === undefined ? text.includes(wanted) : expression.test(text);
    };
  }
  if (operator === '=') return (value) => isSame(value, wanted);
  if (operator === '!=') return (value) => !isSame(value, wanted);
  return (value) => {
    const order = compare(value, wanted);
    if (order === undefined) return false;
    if (operator === '>') return order > 0;
    if (operator === '>=') return order >= 0;
    return operator === '<' ? order < 0 : order <= 0;
  };
}

const isSame = (value: unknown, wanted: string): boolean =>
  typeof value === 'number' && wanted !== '' ? value === Number(wanted) : textOf(value) === wanted;

/** Below, at or above zero; undefined where there is no order. */
function compare(value: unknown, wanted: string): number | undefined {
  if (typeof value === 'number') {
    const order = value - Number(wanted);
    return Number.isNaN(order) ? undefined : order;
  }
  if (typeof value !== 'string') return undefined;
  return value < wanted ? -1 : value > wanted ? 1 : 0;
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

const unquote = (text: string): string => /^"(.*)"$/s.exec(text)?.[1] ?? text;
