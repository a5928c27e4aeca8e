import { UsageError } from './world.ts';

/** "/pattern/flags"; undefined when it is not written like that. */
export function regularExpression(text: string): RegExp | undefined {
  const match = /^\/(.+)\/([imsu]*)$/s.exec(text);
  if (match === null) return undefined;
  try {
    return new RegExp(match[1]!, match[2]);
  } catch (cause) {
    throw new UsageError(`${text} is not a regular expression: ${(cause as Error).message}`);
  }
}
