/** Parsers of arguments for commander; what they throw is told beside the option's name. */
import { InvalidArgumentError } from 'commander';

const PORT_MAX = 65_535;

export function integer(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError('It is not a whole number.');
  return Number(text);
}

export function port(text: string): number {
  const value = integer(text);
  if (value < 0 || value > PORT_MAX)
    throw new InvalidArgumentError(`It is not a port: 0 (a free one) to ${PORT_MAX}.`);
  return value;
}

export function positive(text: string): number {
  const value = integer(text);
  if (value < 1) throw new InvalidArgumentError('It is not a number from 1 on.');
  return value;
}

export const collect = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  text,
];

/** "key=value", repeated. */
export function collectPair(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is not key=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

export function oneOf<const W extends string>(words: readonly W[]): (text: string) => W {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new InvalidArgumentError(`It is none of ${words.join(', ')}.`);
    return word;
  };
}
