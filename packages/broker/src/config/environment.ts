/**
 * Configuration from environment variables. ODRADEK_LOG_RETENTION_MS is log.retention.ms; the prefix `odradek.` of our own keys is not
 * repeated. A variable that begins with ODRADEK_ and is no key is refused by name like any other, unless the caller uses it for itself.
 */
import type { ConfigEntry } from './broker-config.ts';
import { brokerKeys } from './broker-keys.ts';

export function parseEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  exceptions: readonly string[] = [],
): readonly ConfigEntry[] {
  const keys = new Map(Object.keys(brokerKeys).map((key) => [variableName(key), key]));
  return Object.entries(environment).flatMap(([name, value]) => {
    if (!name.startsWith('ODRADEK_') || exceptions.includes(name) || value === undefined) return [];
    return [{ key: keys.get(name) ?? keyLike(name), value, origin: name }];
  });
}

const variableName = (key: string): string =>
  `ODRADEK_${key
    .replace(/^odradek\./, '')
    .replaceAll('.', '_')
    .toUpperCase()}`;

const keyLike = (name: string): string =>
  name.slice('ODRADEK_'.length).toLowerCase().replaceAll('_', '.');
