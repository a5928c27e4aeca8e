/** Runs a block of a page as its reader would, but against the test's own broker. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { until } from '../support/until.ts';
import type { Block } from './blocks.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const COMMAND = join(ROOT, 'packages/cli/bin/odradek.js');
const BUNDLES = join(ROOT, '.cache/readme');
const TIMEOUT_MS = 30_000;
/** Natives, what finds its files beside itself, and what is in a page's text the reader's own installation. */
const EXTERNAL = [
  '@node-rs/crc32',
  'bufferutil',
  '@bokuweb/zstd-wasm',
  'kafkajs',
  '@platformatic/kafka',
];

export interface Place {
  readonly kafka: string;
  readonly http: string;
  /** Where commands run. */
  readonly folder: string;
  /** What the page's text takes for granted, as JavaScript. */
  readonly given: string;
}

export const addressed = (code: string, { kafka, http }: Pick<Place, 'kafka' | 'http'>): string =>
  code
    .replaceAll(/(127\.0\.0\.1|localhost):9092/g, kafka)
    .replaceAll(/(127\.0\.0\.1|localhost):9094/g, http);

export async function runBlock(block: Block, name: string, place: Place): Promise<string> {
  const code = addressed(block.code, place);
  if (block.language === 'sh')
    return finish(
      block,
      ['bash', '-e', '-o', 'pipefail', '-c', code.replaceAll('npx odradek', `node ${COMMAND}`)],
      place,
    );
  mkdirSync(BUNDLES, { recursive: true });
  const outfile = join(BUNDLES, `${name}.mjs`);
  await build({
    stdin: { contents: `${place.given}\n${code}`, resolveDir: ROOT, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: EXTERNAL,
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    logLevel: 'silent',
  });
  return finish(block, [process.execPath, outfile], place);
}

/** What it said, when it has ended well or has said what it is to say. A group of processes, so that none of them stays. */
async function finish(
  { runsUntil }: Block,
  [program, ...args]: readonly string[],
  { folder, kafka }: Place,
): Promise<string> {
  const child = spawn(program!, args, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ODRADEK_BROKERS: kafka, NO_COLOR: '1' },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  let code: number | null | undefined;
  const closed = new Promise<void>((resolve) =>
    child.once('close', (ended) => {
      code = ended ?? -1;
      resolve();
    }),
  );
  try {
    await until(
      () => code !== undefined || (runsUntil !== undefined && said.includes(runsUntil)),
      TIMEOUT_MS,
    ).catch(() => {
      throw new Error(
        `it did neither end nor say ${runsUntil ?? 'anything that is awaited'}:\n${said}`,
      );
    });
    if (runsUntil === undefined ? code !== 0 : !said.includes(runsUntil))
      throw new Error(`it ended with ${code}:\n${said}`);
    return said;
  } finally {
    if (code === undefined) process.kill(-child.pid!, 'SIGKILL');
    await closed;
  }
}
