import { readFile } from 'node:fs/promises';
import { parseEnvironment, parseProperties, type ConfigEntry } from '@odradek/broker';

export interface ConfigSources {
  /** Paths of .properties files, the later winning. */
  readonly files?: readonly string[];
  /** ODRADEK_LOG_RETENTION_MS is log.retention.ms. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Variables that begin with ODRADEK_ and mean something else. */
  readonly environmentExceptions?: readonly string[];
  /** What was given to --set, as it was written: 'log.retention.ms=1000'. */
  readonly set?: readonly string[];
  /** What the command makes of its other flags: --node-id 3 is { key: 'node.id', value: '3', origin: '--node-id' }. */
  readonly flags?: readonly ConfigEntry[];
}

/**
 * Configuration as it was written, weakest first: files, environment, flags. Of entries with one key the last wins, and each
 * knows where it was written. What the keys mean, and whether there are such, is not judged here.
 */
export async function readConfigEntries(sources: ConfigSources): Promise<readonly ConfigEntry[]> {
  const files = await Promise.all((sources.files ?? []).map(readPropertiesFile));
  return [
    ...files.flat(),
    ...parseEnvironment(sources.environment ?? {}, sources.environmentExceptions),
    ...(sources.flags ?? []),
    ...(sources.set ?? []).map(parseSetFlag),
  ];
}

/** The configuration could not be read; the message says what to do. */
export class ConfigSourceError extends Error {
  override readonly name = 'ConfigSourceError';
}

async function readPropertiesFile(path: string): Promise<readonly ConfigEntry[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ConfigSourceError(explain(path, cause), { cause });
  }
  try {
    return parseProperties(new TextDecoder('utf-8', { fatal: true }).decode(bytes), path);
  } catch (cause) {
    throw new ConfigSourceError(
      `The configuration file ${path} is not UTF-8 text. Save it as UTF-8.`,
      { cause },
    );
  }
}

function explain(path: string, cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT')
    return `There is no configuration file ${path}. Create it, or correct --config.`;
  if (code === 'EACCES' || code === 'EPERM')
    return `This user may not read the configuration file ${path}.`;
  if (code === 'EISDIR') return `${path} is a folder. Give --config the file in it.`;
  return `The configuration file ${path} could not be read: ${cause instanceof Error ? cause.message : String(cause)}`;
}

function parseSetFlag(text: string): ConfigEntry {
  const at = text.indexOf('=');
  const key = text.slice(0, at).trim();
  if (at < 0 || key === '')
    throw new ConfigSourceError(
      `--set ${JSON.stringify(text)} is not understood. Write it as --set key=value.`,
    );
  return { key, value: text.slice(at + 1), origin: '--set' };
}
