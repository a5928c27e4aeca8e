/**
 * Java's .properties notation, in which Kafka keeps its configuration: `key=value`, `key: value` or `key value`; `#` and `!` begin
 * comments; a backslash continues a line and escapes a character (\t, \n, \r, \f, \uXXXX).
 */
import type { ConfigEntry } from './broker-config.ts';

/** Entries in the order of the file; `name` is the file's, for messages. */
export function parseProperties(text: string, name: string): readonly ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  for (const { content, line } of logicalLines(text)) {
    const end = keyEnd(content);
    const key = unescape(content.slice(0, end));
    const value = unescape(content.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, ''));
    entries.push({ key, value, origin: `${name} line ${line}` });
  }
  return entries;
}

function* logicalLines(
  text: string,
): Generator<{ readonly content: string; readonly line: number }> {
  let joined = '';
  let start = 0;
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  for (const [index, raw] of lines.entries()) {
    const content = raw.replace(/^[ \t\f]+/, '');
    if (joined === '') {
      if (content === '' || content.startsWith('#') || content.startsWith('!')) continue;
      start = index + 1;
    }
    const continues = /(^|[^\\])(\\\\)*\\$/.test(content);
    joined += continues ? content.slice(0, -1) : content;
    if (continues && index < lines.length - 1) continue;
    if (joined !== '') yield { content: joined, line: start };
    joined = '';
  }
}

/** Where the key ends: at the first blank, `=` or `:` that is not escaped. */
function keyEnd(content: string): number {
  for (let i = 0; i < content.length; i += 1) {
    const char = content[i] ?? '';
    if (char === '\\') i += 1;
    else if (' \t\f=:'.includes(char)) return i;
  }
  return content.length;
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescape(text: string): string {
  return text.replace(/\\(u[0-9A-Fa-f]{4}|[\s\S]|$)/g, (_, escaped: string) =>
    escaped.length === 5
      ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
      : (ESCAPES[escaped] ?? escaped),
  );
}
