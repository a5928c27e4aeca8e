/**
 * A line of the JSON log for a person at a terminal: "12:34:56.789 INFO  message key=value", a stack below it. What came from
 * elsewhere (names, addresses, messages) cannot move the cursor or begin a line: control characters are shown, not sent.
 */
export function formatForPeople(json: string, colors: boolean): string {
  const { level, time, msg, error, ...fields } = JSON.parse(json) as LogLine;
  const paint = (code: number, text: string): string =>
    colors ? `\u001b[${code}m${text}\u001b[0m` : text;
  const parts = [
    paint(dim, clockTime(time)),
    paint(levelColors[level] ?? plain, level.toUpperCase().padEnd(5)),
    visible(msg ?? ''),
  ];
  for (const [key, value] of Object.entries(fields))
    parts.push(paint(dim, `${visible(key)}=`) + formatValue(value));
  const { summary, stack } = formatError(error);
  if (summary !== undefined) parts.push(paint(dim, 'error=') + summary);
  return `${parts.join(' ')}\n${stack.map((line) => `    ${paint(dim, visible(line))}\n`).join('')}`;
}

interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
  readonly error?: unknown;
  readonly [field: string]: unknown;
}

const plain = 0;
const dim = 2;

const levelColors: Readonly<Record<string, number>> = { debug: 36, info: 32, warn: 33, error: 31 };

/** Time of day where the person is. */
function clockTime(iso: string): string {
  const date = new Date(iso);
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function formatValue(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@[\]-]+$/.test(value)) return value;
  return visible(JSON.stringify(value) ?? 'undefined');
}

function formatError(error: unknown): {
  readonly summary?: string;
  readonly stack: readonly string[];
} {
  if (error === undefined) return { stack: [] };
  if (typeof error !== 'object' || error === null || !('message' in error))
    return { summary: formatValue(error), stack: [] };
  const stack =
    'stack' in error && typeof error.stack === 'string' ? error.stack.split('\n').slice(1) : [];
  return { summary: formatValue(String(error.message)), stack: stack.map((line) => line.trim()) };
}

/** Control characters, and those that reorder or hide text, as \u escapes. */
function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
