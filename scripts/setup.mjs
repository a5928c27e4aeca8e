// Makes a fresh checkout ready: what `npm start` needs (--product) and what `npm test` needs. Node built-ins only, since
// it runs before anything is installed. Silent and quick when there is nothing to do; progress of long steps on stderr.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { buildIsStale, root } from './tree.mjs';

const product = process.argv.includes('--product');
const inCi = process.env.CI === 'true';

checkNode();
if (!isInstalled()) install();
if (product && buildIsStale()) build();
if (!product) provideTools();

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node ${process.versions.node} is too old: odradek needs 20.19 or newer`);
}

/**
 * npm keeps a record of what it really put into node_modules, written last. It is compared with the lock file by content:
 * clocks and checkouts do not matter, and a broken-off install has no record.
 */
function isInstalled() {
  const installed = readJson('node_modules/.package-lock.json')?.packages;
  if (installed === undefined) return false;
  const locked = readJson('package-lock.json').packages;
  return Object.entries(locked).every(([path, { version, link, dev, optional, devOptional }]) => {
    if (path === '' || !path.startsWith('node_modules/') || link) return true;
    const found = installed[path];
    if (found === undefined)
      return optional === true || devOptional === true || (product && dev === true);
    return found.version === version;
  });
}

function install() {
  say(product ? 'installing packages (once)' : 'installing packages and development tools (once)');
  const args = [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...(product ? ['--omit=dev'] : []),
  ];
  run(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    args,
    'npm could not install the packages; its message is above',
  );
}

function build() {
  say('building');
  run(
    process.execPath,
    [join(root, 'scripts/build.mjs')],
    'the build failed; its message is above',
  );
}

/** Programs and data of the system that the tests drive, with the Debian package that brings each. */
function provideTools() {
  const tools = [
    { package: 'kcat', present: () => onPath('kcat') },
    { package: 'wamerican', present: () => existsSync('/usr/share/dict/words') },
    { package: 'chromium', present: () => onPath('chromium') || onPath('chromium-browser') },
  ];
  const missing = () => tools.filter((tool) => !tool.present()).map((tool) => tool.package);
  const wanted = missing();
  if (wanted.length === 0) return;
  aptGet(wanted);
  const left = missing();
  if (left.length === 0) return;
  const hint = `the tests need ${left.join(' and ')}: apt-get install ${left.join(' ')}`;
  if (inCi) fail(hint);
  say(`${hint} (what needs them is skipped)`);
}

function aptGet(packages) {
  if (!onPath('apt-get')) return;
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (asRoot.length > 0 && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0)
    return;
  say(`installing ${packages.join(', ')} with apt-get`);
  const apt = (...args) => {
    const [command, ...rest] = [
      ...asRoot,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      '-qq',
      ...args,
    ];
    return spawnSync(command, rest, { stdio: ['ignore', 2, 2] }).status === 0;
  };
  const add = () => apt('install', '-y', '--no-install-recommends', ...packages);
  // The package lists of a fresh machine are empty or old: they are fetched only when the first try fails.
  if (!add() && apt('update')) add();
}

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      return statSync(join(folder, program)).isFile();
    } catch {
      return false;
    }
  });
}

function run(command, args, failure) {
  try {
    // The data of `npm start` is the broker's: what tools say goes to stderr.
    execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  } catch {
    fail(failure);
  }
}

function readJson(name) {
  try {
    return JSON.parse(readFileSync(join(root, name), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function say(text) {
  process.stderr.write(`odradek: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
