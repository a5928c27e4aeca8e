/** What README.md, docs/client.md and docs/coordination.md show works as it stands: each block is run (blocks.ts says how), each link leads somewhere. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../support/chromium.ts';
import { startInProcess, type InProcessBroker } from '../support/in-process-broker.ts';
import { until } from '../support/until.ts';
import { startSite } from '../page/page.ts';
import { blocksOf, type Block } from './blocks.ts';
import { COMMAND, addressed, runBlock, type Place } from './run-block.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BLOCKS_MIN = 2;

/** What each page's text takes for granted: the reader's own schema and functions. */
const pages: Readonly<Record<string, string>> = {
  'README.md': '',
  'docs/client.md': `
    const OrderSchema = { '~standard': { version: 1, vendor: 'reader', validate: (value) => ({ value }) } };
    const signal = new AbortController().signal;
    const handle = async ({ id }) => console.log('handled', id);
    const store = async (messages) => console.log('stored', messages.length);
    const show = (connection) => console.log('shown', connection);
  `,
  'docs/coordination.md': '',
};

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

// Under CI a missing program fails what needs it: it is to be installed.
const inCi = process.env.CI === 'true';
const hasKcat = inCi || spawnSync('kcat', ['-V']).status === 0;
if (!hasKcat) process.stderr.write('the blocks with kcat are not run: apt-get install kcat\n');

it('`npx odradek` is the command', () => {
  expect(realpathSync(join(ROOT, 'node_modules/.bin/odradek'))).toBe(COMMAND);
});

describe.each(Object.entries(pages))('%s', (path, given) => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const blocks = blocksOf(text);
  let broker: InProcessBroker;
  let place: Place;
  beforeAll(async () => {
    broker = await startInProcess({ memory: true });
    const folder = mkdtempSync(join(tmpdir(), 'odradek-readme-'));
    const lines = ['listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${join(folder, 'data')}`];
    writeFileSync(join(folder, 'server.properties'), lines.join('\n'));
    const { host, port } = broker.addresses.http!;
    place = { kafka: broker.bootstrap, http: `${host}:${port}`, folder, given };
  });
  afterAll(async () => {
    await broker.dispose();
    rmSync(place.folder, { recursive: true, force: true });
  });

  const titled = (block: Block) => ({
    ...block,
    title: `line ${block.line}: ${block.firstLine}`,
  });
  const run = blocks
    .filter(({ notRun, isInPage }) => notRun === undefined && !isInPage)
    .map(titled);
  const inPage = blocks.filter(({ isInPage }) => isInPage).map(titled);

  it('has blocks', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(BLOCKS_MIN);
  });

  it.each(run)('$title', async (block) => {
    if (block.code.includes('kcat') && !hasKcat) return;
    await runBlock(block, `${path.replaceAll(/\W/g, '-')}-${block.line}`, place);
  });

  if (inPage.length > 0)
    it.skipIf(findChromium() === undefined && !inCi).each(inPage)(
      'in a page, $title',
      async (block) => {
        const code = addressed(block.code, place);
        await using site = await startSite({ code });
        const { origin } = new URL(`http://${place.http}`);
        await using opened = await site.open(
          `default-src 'none'; script-src 'self'; connect-src 'self' ${origin.replace('http', 'ws')}`,
        );
        await until(() => opened.said.some((line) => line.includes(block.runsUntil!)));
        expect(opened.complaints).toEqual([]);
      },
    );

  it('names scripts that there are', () => {
    const named = [...text.matchAll(/\bnpm (?:run )?([a-z:]+)/g)]
      .map(([, name]) => name!)
      .filter((name) => name !== 'run');
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it('links to files that there are', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link!);
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(path), link)))).toEqual([]);
  });
});
