// Runs the bundle as it will be run, in this process, and keeps what V8 has compiled for it by then: a broker that starts,
// takes a record and gives it back, and the commands that did it. Called by build.mjs: warm-up.cjs BUNDLE CACHE < a line.
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname } = require('node:path');
const vm = require('node:vm');

const [, , file, cacheFile] = process.argv;
const script = new vm.Script(
  `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'latin1')}\n})`,
  {
    filename: file,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  },
);
const main = script.runInThisContext();

/** Everything that is written to stdout, for those who wait for it. */
let printed = '';
process.stdout.write = (chunk, ...rest) => {
  printed += chunk;
  rest.find((argument) => typeof argument === 'function')?.();
  return true;
};

/** The commands end their process; only the warm-up ends this one. */
const exit = process.exit.bind(process);
process.exit = () => {};

/** As a process of its own would, except that it shares this one: the main function is evaluated anew. */
function odradek(...args) {
  process.argv = [process.execPath, file, ...args];
  const module = { exports: {} };
  main(module.exports, createRequire(file), module, file, dirname(file));
}

async function until(pattern) {
  for (;;) {
    const found = pattern.exec(printed);
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function warmUp() {
  odradek('up', '--memory', '--port', '0', '--http-port', '0', '--quiet', '--json');
  const [, address] = await until(/"kafka":"([^"]+)"/);
  odradek('produce', 'warm-up', '--json', '--brokers', address);
  await until(/"offset":0,"records":1/);
  odradek('tail', 'warm-up', '--exit', '--brokers', address);
  await until(/^warm$/m);
  writeFileSync(cacheFile, script.createCachedData());
  exit(0);
}

warmUp().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  exit(1);
});
