/** The application made into programs: with KafkaJS or with ours in its place, for Node and for a page. Its source is changed in the import alone. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { kafkajsPageBundle } from '@odradek/web/kafkajs-page-bundle';
import { build } from 'esbuild';
import type { BuildOptions, Plugin } from 'esbuild';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Fails when there is not exactly one import to change. */
const importFrom = (replacement: string): Plugin => ({
  name: 'one-import-changed',
  setup({ onLoad }) {
    onLoad({ filter: /\/application\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const imports = /import \{([^}]*)\} from 'kafkajs';/g;
      if ([...source.matchAll(imports)].length !== 1)
        throw new Error(`${path} should import KafkaJS once`);
      const contents = source.replaceAll("from 'kafkajs'", `from '${replacement}'`);
      return { contents, loader: 'ts' };
    });
  },
});

/** For Node, as an ES module that runs from anywhere. */
export const bundleForNode = (entry: string, outfile: string, from?: string): Promise<void> =>
  bundle(entry, outfile, from, {
    platform: 'node',
    target: 'node20',
    // Natives stay outside; without them the slower ways are taken.
    external: ['@node-rs/crc32', 'bufferutil', 'utf-8-validate', '@bokuweb/zstd-wasm'],
    banner: {
      js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
    },
  });

/** For a page, by the recipe of docs/kafkajs.md. */
export const bundleForPage = (entry: string, outfile: string, from?: string): Promise<void> =>
  bundle(entry, outfile, from, {
    target: 'es2023',
    external: ['@bokuweb/zstd-wasm'],
    ...kafkajsPageBundle(),
  });

async function bundle(
  entry: string,
  outfile: string,
  from: string | undefined,
  options: BuildOptions,
): Promise<void> {
  await build({
    entryPoints: [here(entry)],
    outfile,
    bundle: true,
    format: 'esm',
    logLevel: 'silent',
    plugins: from === undefined ? [] : [importFrom(from)],
    ...options,
  });
}
