#!/usr/bin/env node
// Starts the bundle with V8's code cache, so that nothing is compiled that was compiled when it was built: half of the time
// to the first answer was compilation. A cache of another Node is not found, one that V8 does not want is refused by V8;
// the bundle then runs without it. CommonJS, because there is no code cache for ES modules in Node 20.
'use strict';
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const vm = require('node:vm');

const dist = join(__dirname, '..', 'dist');
const file = join(dist, 'odradek.cjs');

function read(path, encoding) {
  try {
    return readFileSync(path, encoding);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

// The bundle is ASCII: as Latin-1 it is taken over without decoding.
const source = read(file, 'latin1');
if (source === undefined) {
  process.stderr.write('odradek is not built yet: npm run build\n');
  process.exit(1);
}
const script = new vm.Script(
  `(function (exports, require, module, __filename, __dirname) {${source}\n})`,
  {
    filename: file,
    cachedData: read(join(dist, `odradek-${process.version}-${process.arch}.cache`)),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  },
);
script.runInThisContext()(exports, require, module, file, dist);
