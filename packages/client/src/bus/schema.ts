/**
 * Standard Schema (https://standardschema.dev), as much of it as is needed: what zod, valibot and arktype have in common. Types only; a
 * schema is whatever has `~standard`.
 */
import { SchemaMismatch } from '../errors.ts';

export interface StandardSchema<In = unknown, Out = In> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Out> | Promise<SchemaResult<Out>>;
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
  };
}

export type SchemaResult<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

const ISSUES_SHOWN_MAX = 3;

export const isSchema = (value: unknown): value is StandardSchema =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  '~standard' in value;

/** Throws SchemaMismatch, saying where. */
export async function validated(
  schema: StandardSchema,
  value: unknown,
  place: string,
): Promise<unknown> {
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return result.value;
  const shown = result.issues.slice(0, ISSUES_SHOWN_MAX).map(describe).join('; ');
  const more = result.issues.length - ISSUES_SHOWN_MAX;
  throw new SchemaMismatch(`${place}: ${shown}${more > 0 ? ` (and ${more} more)` : ''}`, {
    cause: result.issues,
  });
}

function describe({ message, path }: SchemaIssue): string {
  if (path === undefined || path.length === 0) return message;
  const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return `${keys.join('.')}: ${message}`;
}
