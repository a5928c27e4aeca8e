/**
 * The fenced blocks of a page, and what is to be done with each. A block runs to its end unless a comment right above it says otherwise:
 *
 *     <!-- continues -->             behind the last block that does not continue
 *     <!-- runs until: TEXT -->      it has no end: it is stopped when it has said this
 *     <!-- in a page -->             in a browser, as an application is bundled
 *     <!-- not run: REASON -->       one of the reasons below
 *
 * Several stand in one comment, with semicolons between. Blocks without a language, and `text`, are pictures.
 */

export interface Block {
  readonly language: string;
  readonly line: number;
  /** With what it continues. */
  readonly code: string;
  readonly firstLine: string;
  readonly runsUntil: string | undefined;
  readonly isInPage: boolean;
  readonly notRun: string | undefined;
}

const LANGUAGES = ['sh', 'js', 'ts'];
const PICTURES = ['', 'text'];
const REASONS = ['it installs', 'it runs these tests'];

export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = page.split('\n');
  let first = '';
  for (let at = 0; at < lines.length; at += 1) {
    const language = /^```(.*)$/.exec(lines[at]!)?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: a block without an end`);
    const said = wordsOf(lines[at - 1] ?? '', at);
    const code = `${lines.slice(at + 1, end).join('\n')}\n`;
    const line = at + 1;
    at = end;
    if (PICTURES.includes(language)) continue;
    if (!LANGUAGES.includes(language))
      throw new Error(
        `line ${line}: blocks of ${language} are not run; those of ${LANGUAGES.join(', ')} are`,
      );
    if (!said.has('continues')) first = code;
    const notRun = said.get('not run');
    if (notRun !== undefined && !REASONS.includes(notRun))
      throw new Error(`line ${line}: "${notRun}" is no reason; ${REASONS.join(', ')} are`);
    blocks.push({
      language,
      line,
      code: said.has('continues') ? `${first}\n${code}` : code,
      firstLine: code.trim().split('\n')[0]!,
      runsUntil: said.get('runs until'),
      isInPage: said.has('in a page'),
      notRun,
    });
  }
  return blocks;
}

const KNOWN = ['continues', 'runs until', 'in a page', 'not run'];

function wordsOf(line: string, at: number): ReadonlyMap<string, string> {
  const comment = /^<!-- (.*) -->$/.exec(line)?.[1];
  if (comment === undefined) return new Map();
  const words = comment.split('; ').map((part): [string, string] => {
    const [word = '', ...rest] = part.split(': ');
    if (!KNOWN.includes(word)) throw new Error(`line ${at}: "${word}" says nothing to the tests`);
    return [word, rest.join(': ')];
  });
  return new Map(words);
}
