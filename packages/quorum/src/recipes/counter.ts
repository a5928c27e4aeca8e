/** A number that many add to: each adds to the version that it has read, and reads again when somebody was faster. */
import { utf8Decode, utf8Encode } from '@odradek/protocol';
import { parentOf } from '../tree/path.ts';
import { ensurePath, TreeRefusal, type TreeClient } from './tree-client.ts';

/** Somebody is faster each time: with so many at it, a sequential node is the better counter. */
const COUNTER_ATTEMPTS_MAX = 100;

/** The sum. Rejects where it is not known whether it was added: read before adding again. */
export async function addToCounter(client: TreeClient, path: string, by = 1): Promise<number> {
  await ensurePath(client, parentOf(path));
  let refusal: TreeRefusal | undefined;
  for (let attempt = 0; attempt < COUNTER_ATTEMPTS_MAX; attempt++) {
    const node = await client.get(path);
    const sum = (node === undefined ? 0 : numberOf(node.value, path)) + by;
    if (!Number.isSafeInteger(sum)) throw new RangeError(`${path} would no longer be exact`);
    const value = utf8Encode(String(sum));
    const answer = await client.propose([
      node === undefined
        ? { op: 'create', path, value }
        : { op: 'set', path, value, expectedVersion: node.version },
    ]);
    if (answer.status === 'committed') return sum;
    refusal = new TreeRefusal(answer.error);
    if (!['badVersion', 'nodeExists', 'noNode'].includes(answer.error.code)) throw refusal;
    await client.sync();
  }
  throw refusal!;
}

/** As the client's tree has it; 0 where nobody has added yet. */
export async function readCounter(client: TreeClient, path: string): Promise<number> {
  const node = await client.get(path);
  return node === undefined ? 0 : numberOf(node.value, path);
}

function numberOf(value: Uint8Array, path: string): number {
  const number = Number(utf8Decode(value));
  if (value.length > 0 && Number.isSafeInteger(number)) return number;
  throw new RangeError(`${path} holds no number`);
}
