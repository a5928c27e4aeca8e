/** A number that many add to: each adds to the version that it has read, and reads again when somebody was faster. */
import { utf8Decode } from '@odradek/protocol';
import { parentOf } from '../tree-path.ts';
import { ensurePath, isRefusal, type TreeReader, type TreeWriter } from './tree-client.ts';

/** Somebody is faster each time: with so many at it, a sequential node is the better counter. */
const COUNTER_ATTEMPTS_MAX = 100;

/** The sum. Rejects with OutcomeUnknown where it is not known whether it was added: read before adding again. */
export async function addToCounter(tree: TreeWriter, path: string, by = 1): Promise<number> {
  await ensurePath(tree, parentOf(path));
  let refusal: unknown;
  for (let attempt = 0; attempt < COUNTER_ATTEMPTS_MAX; attempt++) {
    const node = await tree.get(path);
    const sum = (node === undefined ? 0 : numberOf(node.value, path)) + by;
    if (!Number.isSafeInteger(sum)) throw new RangeError(`${path} would no longer be exact`);
    const value = String(sum);
    try {
      await tree.write([
        node === undefined
          ? { op: 'create', path, value }
          : { op: 'set', path, value, expectedVersion: node.version },
      ]);
      return sum;
    } catch (error) {
      if (!isRefusal(error, 'badVersion', 'nodeExists', 'noNode')) throw error;
      refusal = error;
    }
    await tree.sync();
  }
  throw refusal;
}

/** 0 where nobody has added yet. */
export async function readCounter(tree: Pick<TreeReader, 'get'>, path: string): Promise<number> {
  const node = await tree.get(path);
  return node === undefined ? 0 : numberOf(node.value, path);
}

function numberOf(value: Uint8Array, path: string): number {
  const number = Number(utf8Decode(value));
  if (value.length > 0 && Number.isSafeInteger(number)) return number;
  throw new RangeError(`${path} holds no number`);
}
