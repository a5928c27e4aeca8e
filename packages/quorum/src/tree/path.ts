/**
 * Names of nodes: "/" and what hangs below it, as ZooKeeper writes them. A path is valid or it does not come into the tree,
 * so that every later use may cut it at its slashes without looking.
 */
import type { TreeLimits } from '../limits.ts';

export const ROOT = '/';

/** No control characters and no half of a surrogate pair (it would not survive UTF-8); ZooKeeper forbids the same. */
const SEGMENTS = /^(?:\/[^/\u0000-\u001f\u007f-\u009f\ud800-\udfff\ufff0-\uffff]+)+$/u;
/** A segment that file systems and URLs would take for something else. */
const DOTS = /\/\.{1,2}(?:\/|$)/;

/** What is wrong with it, or undefined. */
export function pathFault(path: string, limits: TreeLimits): string | undefined {
  if (path === ROOT) return undefined;
  if (path.length > limits.pathLengthMax)
    return `a path of ${path.length} characters, ${limits.pathLengthMax} at most`;
  if (!path.startsWith('/')) return 'a path begins with /';
  if (path.endsWith('/')) return 'a path does not end with /';
  if (!SEGMENTS.test(path)) return 'a path has no empty segment and no control character';
  if (DOTS.test(path)) return 'a segment is not . or ..';
  const depth = depthOf(path);
  if (depth > limits.pathDepthMax)
    return `a path of ${depth} segments, ${limits.pathDepthMax} at most`;
  return undefined;
}

/** Of any path but the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === 0 ? ROOT : path.slice(0, slash);
}

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export const childPath = (parent: string, name: string): string =>
  parent === ROOT ? `/${name}` : `${parent}/${name}`;

const SEQUENCE_DIGITS = 10;
export const SEQUENCE_MAX = 10 ** SEQUENCE_DIGITS - 1;

/** The name of a sequential node: ten digits, so that names sort as their numbers do. */
export const sequentialPath = (prefix: string, sequence: number): string =>
  prefix + String(sequence).padStart(SEQUENCE_DIGITS, '0');

function depthOf(path: string): number {
  let depth = 0;
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) depth += 1;
  return depth;
}
