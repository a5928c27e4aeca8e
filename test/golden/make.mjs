// Makes the golden files anew: `node test/golden/make.mjs`. Needs Java, Maven with its registry, and kcat.
import { build } from 'esbuild';
import { fileURLToPath, pathToFileURL } from 'node:url';

const outfile = fileURLToPath(new URL('../../.cache/make-golden.mjs', import.meta.url));
await build({
  entryPoints: [fileURLToPath(new URL('make-golden.ts', import.meta.url))],
  outfile,
  bundle: true,
  external: ['kafkajs'],
  platform: 'node',
  format: 'esm',
  // The folders of the repository are found from the file that asks.
  define: { 'import.meta.url': JSON.stringify(import.meta.url) },
});
await import(pathToFileURL(outfile).href);
