/** ReadTree, from this broker's own tree: all reads of one request from the same state of it. */
import {
  type ErrorCode,
  TreeReadKind,
  TreeResult,
  utf8Length,
  type Input,
  type ReadTreeRequest,
  type readTreeResponse,
} from '@odradek/protocol';
import type { ReadonlyTree } from '@odradek/quorum';
import { appPathFault, toTree } from './app-paths.ts';
import { APP_LIMITS } from './limits.ts';
import { statOf } from './write.ts';

type Response = Input<typeof readTreeResponse>;
type Result = Response['results'][number];
type AskedRead = ReadTreeRequest['reads'][number];

/** In one go: nothing may be awaited between the reads. */
export function readHere(tree: ReadonlyTree, reads: readonly AskedRead[]): readonly Result[] {
  let bytes = 0;
  return reads.map((read) => {
    const result = resultOf(tree, read);
    bytes += sizeOf(result);
    return bytes > APP_LIMITS.readBytesMax ? { result: TreeResult.tooLarge } : result;
  });
}

export function readFault({ reads }: ReadTreeRequest): string | undefined {
  if (reads.length > APP_LIMITS.readsPerRequestMax)
    return `${reads.length} reads in one request, ${APP_LIMITS.readsPerRequestMax} at most`;
  for (const { kind } of reads)
    if (kind < TreeReadKind.value || kind > TreeReadKind.stat) return `no read ${kind}`;
  return undefined;
}

export const refusedRead = (refusal: {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string;
}): Response => ({ ...refusal, results: [] });

function resultOf(tree: ReadonlyTree, { kind, path }: AskedRead): Result {
  if (appPathFault(path) !== undefined) return { result: TreeResult.invalidPath };
  const at = toTree(path);
  const node = tree.get(at);
  if (node === undefined) return { result: TreeResult.noNode };
  return {
    result: TreeResult.ok,
    ...statOf(node),
    ...(kind === TreeReadKind.value && { value: node.value }),
    ...(kind === TreeReadKind.children && { children: tree.children(at) ?? [] }),
  };
}

function sizeOf({ value, children }: Result): number {
  let bytes = value?.length ?? 0;
  for (const name of children ?? []) bytes += utf8Length(name);
  return bytes;
}
