import { GENERATED, code, table } from './markdown.mjs';

/** docs/configuration.md, from the tables in packages/broker/src/config. */
export function configuration({ brokerKeys, topicKeys, unsupportedKeys, formatValue }) {
  const brokerRows = Object.entries(brokerKeys).sort(byName);
  const working = brokerRows.filter(([, key]) => key.noEffect === undefined);
  const idle = brokerRows.filter(([, key]) => key.noEffect !== undefined);
  return `${GENERATED}

# Configuration

Keys, types, defaults and ranges are Apache Kafka 4.2's; where ours differ the description says so. Keys that begin with
\`odradek.\` are ours, where Kafka has none. A key that is not on this page is refused by name.

Later places win: a \`.properties\` file (\`--config FILE\`), the environment (\`ODRADEK_LOG_RETENTION_MS\` is
\`log.retention.ms\`; the prefix \`odradek.\` is not repeated), the command line (\`--set log.retention.ms=1000\`, and flags
such as \`--port\`). "Changes" tells whether a running broker can be told otherwise with IncrementalAlterConfigs.

## Broker

${table(
  ['key', 'type', 'default', 'allowed', 'changes', 'what it does'],
  working.map(([name, key]) => [
    code(name),
    key.type,
    defaultOf(key),
    key.valid?.text ?? '',
    key.updateMode,
    key.doc,
  ]),
)}

## Topic

A topic that does not set a key has the broker's value.

${table(
  ['key', 'type', "broker's key", 'default', 'allowed', 'what it does'],
  Object.entries(topicKeys)
    .sort(byName)
    .map(([name, { key, synonym }]) => [
      code(name),
      key.type,
      synonym === undefined ? '' : code(synonym),
      defaultOf(key),
      key.valid?.text ?? '',
      key.noEffect === undefined ? key.doc : `${key.doc} No effect: ${key.noEffect}.`,
    ]),
)}

## Taken, without effect

Kafka's own files set these; here there is nothing for them to change. The broker says so in a warning when it starts.

${table(
  ['key', 'why'],
  idle.map(([name, key]) => [code(name), key.noEffect]),
)}

## Kafka's, not supported

Refused by name.

${table(
  ['key', 'belongs to'],
  unsupportedKeys().map(({ name, what }) => [code(name), what]),
)}
`;

  function defaultOf(key) {
    if (key.fallbacks.length > 0)
      return `from ${key.fallbacks.map((fallback) => code(fallback.key)).join(' or ')}`;
    const text = formatValue(key.type, key.default);
    return text === null ? 'none' : text === '' ? 'empty' : code(text);
  }
}

const byName = ([a], [b]) => (a < b ? -1 : 1);
