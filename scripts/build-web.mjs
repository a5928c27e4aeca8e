// Writes the client's bundles for a page, and zstd's WebAssembly beside them, to packages/web/dist.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, webDistFolder, zstdWasmFile } from './tree.mjs';
import { webBundle } from './web-bundle.mjs';

const chunks = await webBundle();
rmSync(webDistFolder, { recursive: true, force: true });
mkdirSync(webDistFolder, { recursive: true });
for (const { name, code } of chunks) writeFileSync(join(webDistFolder, name), code);
copyFileSync(join(root, zstdWasmFile), join(webDistFolder, 'zstd.wasm'));
