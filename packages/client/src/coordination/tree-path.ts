/** Names of nodes, as ZooKeeper writes them: "/" and what hangs below it. */
export const ROOT = '/';

/** Of any path but the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? ROOT : path.slice(0, slash);
}

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export const childPath = (parent: string, name: string): string =>
  parent === ROOT ? `/${name}` : `${parent}/${name}`;
