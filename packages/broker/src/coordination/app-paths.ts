/**
 * Applications have a subtree of their own, and see it as the whole: their "/" is the tree's "/app". So no path that they can
 * name leads to the cluster's state, for reading or for writing.
 */
import { APP_LIMITS } from './limits.ts';

export const APP_ROOT = '/app';

/** What is wrong with it beyond what the tree itself refuses, or undefined. */
export function appPathFault(path: string): string | undefined {
  // Whatever else is in front would name a sibling of the subtree.
  if (!path.startsWith('/')) return `a path begins with /: ${path.slice(0, 40)}`;
  if (path.length > APP_LIMITS.pathLengthMax)
    return `a path of ${path.length} characters, ${APP_LIMITS.pathLengthMax} at most`;
  const depth = path.split('/').length - 1;
  if (depth > APP_LIMITS.pathDepthMax)
    return `a path of ${depth} segments, ${APP_LIMITS.pathDepthMax} at most`;
  return undefined;
}

/** Of a path without fault. */
export const toTree = (path: string): string => (path === '/' ? APP_ROOT : APP_ROOT + path);

/** Of a sequential node's beginning: "/" is one, too. */
export const toTreePrefix = (path: string): string => APP_ROOT + path;

/** Undefined for what is the cluster's. */
export function toApp(treePath: string): string | undefined {
  if (treePath === APP_ROOT) return '/';
  return treePath.startsWith(`${APP_ROOT}/`) ? treePath.slice(APP_ROOT.length) : undefined;
}

/** The tree's messages begin with the path that they are about. */
export function inAppWords(message: string): string {
  if (message.startsWith(`${APP_ROOT}/`)) return message.slice(APP_ROOT.length);
  return message.startsWith(`${APP_ROOT} `) ? `/${message.slice(APP_ROOT.length)}` : message;
}
