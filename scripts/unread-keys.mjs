// A configuration key that is accepted and changes nothing is a lie. Every key of the tables must be named somewhere in the
// sources that act on it; those that cannot have an effect say so in their row (`noEffect`).
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { loadSources } from './generate/load.mjs';
import { filesBelow, packageFolders, root } from './tree.mjs';

const TABLES = [
  'packages/broker/src/config/keys/',
  'packages/broker/src/config/topic-keys.ts',
  'packages/broker/src/config/unsupported-keys.ts',
];

const [{ brokerKeys, topicKeys }] = await loadSources(['packages/broker/src/config/index.ts']);
const text = packageFolders()
  .flatMap((folder) => [...filesBelow(join(folder, 'src'))])
  .filter(
    (path) =>
      path.endsWith('.ts') &&
      !path.endsWith('.test.ts') &&
      !TABLES.some((table) => relative(root, path).startsWith(table)),
  )
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');
const isNamed = (name) => text.includes(`'${name}'`) || text.includes(`.${name}`);

const read = new Set(Object.keys(brokerKeys).filter((name) => isNamed(name)));
const readTopicKeys = Object.keys(topicKeys).filter((name) => isNamed(name));
// Who reads a topic's key reads the broker's key behind it, and who reads a key reads those that it falls back to.
for (const name of readTopicKeys)
  if (topicKeys[name].synonym !== undefined) read.add(topicKeys[name].synonym);
for (const name of [...read])
  for (const fallback of brokerKeys[name].fallbacks) read.add(fallback.key);

const hasEffect = (key) => key.noEffect === undefined;
const unread = [
  ...Object.keys(brokerKeys).filter((name) => hasEffect(brokerKeys[name]) && !read.has(name)),
  ...Object.keys(topicKeys).filter(
    (name) => hasEffect(topicKeys[name].key) && !readTopicKeys.includes(name),
  ),
];
if (unread.length > 0) {
  process.stderr.write(
    `nothing reads these configuration keys:\n${unread.map((name) => `  ${name}`).join('\n')}\nmake them work, or move them to unsupported-keys.ts or without-effect.ts\n`,
  );
  process.exit(1);
}
