/**
 * What stands for a field that is not there, and the test that decides whether a tagged field is
 * worth sending.
 */
import { ZERO_UUID } from '../ids.ts';
import type { Field, Kind } from './fields.ts';

/** Shared by all bodies: nothing here may be changed by who receives it. */
export function defaultOf(field: Field): unknown {
  return field.options.default === undefined ? zeroOf(field.kind) : field.options.default;
}

/** May an encoder be given a struct without this field? (The type `Made` says the same.) */
export function isOmissible({ options }: Field): boolean {
  return (
    options.default !== undefined ||
    options.since !== undefined ||
    options.until !== undefined ||
    options.tag !== undefined
  );
}

/** Is this the value that an absent field is read as? */
export function defaultTest(field: Field): (value: unknown) => boolean {
  const absent = defaultOf(field);
  const { kind } = field;
  if (absent === null) return (value) => value === null;
  if (kind.type === 'array') return (value) => (value as readonly unknown[] | null)?.length === 0;
  if (kind.type === 'bytes') return (value) => (value as Uint8Array | null)?.length === 0;
  if (kind.type === 'struct') {
    const tests = Object.entries(kind.shape).map(
      ([name, inner]) => [name, defaultTest(inner)] as const,
    );
    return (value) =>
      tests.every(([name, test]) => {
        const inner = (value as Record<string, unknown>)[name];
        return inner === undefined || test(inner);
      });
  }
  return (value) => value === absent;
}

function zeroOf(kind: Kind): unknown {
  switch (kind.type) {
    case 'boolean':
      return false;
    case 'string':
      return '';
    case 'uuid':
      return ZERO_UUID;
    case 'bytes':
      return new Uint8Array(0);
    case 'records':
      return null;
    case 'array':
      return Object.freeze([]);
    case 'struct':
      return Object.freeze(
        Object.fromEntries(
          Object.entries(kind.shape).map(([name, field]) => [name, defaultOf(field)]),
        ),
      );
    default:
      return 0;
  }
}
