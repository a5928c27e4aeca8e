import { leaderEpoch, offset, utf8Encode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { QuorumError } from '../errors.ts';
import { crc32c } from '../testing/ensemble.ts';
import { sessionId } from './node.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';
import { Tree } from './tree.ts';

const ID = { nextOffset: offset(6), epoch: leaderEpoch(2) };

function smallTree(): Tree {
  const tree = new Tree();
  tree.apply({ type: 'sessionOpened', timeoutMs: 6000 }, offset(1));
  tree.apply(
    { type: 'nodeCreated', path: '/b', value: utf8Encode('B'), ephemeralOwner: null },
    offset(2),
  );
  tree.apply(
    { type: 'nodeCreated', path: '/a', value: utf8Encode(''), ephemeralOwner: null },
    offset(3),
  );
  tree.apply(
    {
      type: 'nodeCreated',
      path: '/a/e',
      value: new Uint8Array(2000),
      ephemeralOwner: sessionId(1),
    },
    offset(4),
  );
  tree.apply({ type: 'nodeChanged', path: '/b', value: utf8Encode('BB') }, offset(5));
  return tree;
}

const kindOf = (bytes: Uint8Array): string | undefined => {
  try {
    decodeSnapshot(bytes, crc32c, 'x.checkpoint');
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(QuorumError);
    return (error as QuorumError).kind;
  }
};

describe('a snapshot', () => {
  it('brings back nodes, versions, offsets, sessions and who owns what', () => {
    const tree = smallTree();
    const read = decodeSnapshot(encodeSnapshot(tree, ID, crc32c), crc32c, 'x.checkpoint');
    expect(read).toMatchObject(ID);
    expect([...read.tree.descend('/')]).toEqual([...tree.descend('/')]);
    expect(read.tree.sessions()).toEqual([{ id: 1, timeoutMs: 6000 }]);
    expect(read.tree.ephemeralsOf(sessionId(1))).toEqual(['/a/e']);
  });

  it('does not depend on the order in which siblings came', () => {
    const [one, two] = [new Tree(), new Tree()];
    one.put('/a', one.get('/')!);
    one.put('/b', one.get('/')!);
    two.put('/b', two.get('/')!);
    two.put('/a', two.get('/')!);
    expect(encodeSnapshot(one, ID, crc32c)).toEqual(encodeSnapshot(two, ID, crc32c));
  });

  it('is laid out so for ever', () => {
    const tree = new Tree();
    tree.apply(
      { type: 'nodeCreated', path: '/a', value: utf8Encode('v'), ephemeralOwner: null },
      offset(1),
    );
    const bytes = encodeSnapshot(tree, { nextOffset: offset(2), epoch: leaderEpoch(1) }, crc32c);
    expect(Buffer.from(bytes.subarray(0, -4)).toString('hex')).toBe(
      [
        '4f445453',
        '00',
        '04',
        '04',
        '00',
        '04',
        '01',
        '00',
        '00',
        '02',
        '00',
        '00',
        '00',
        '02',
        '0261',
        '0176',
        '00',
        '00',
        '02',
        '02',
        '00',
        '00',
      ].join(''),
    );
  });

  it('with any byte changed, or cut anywhere, is refused', () => {
    const bytes = encodeSnapshot(smallTree(), ID, crc32c);
    for (let at = 0; at < bytes.length; at++) {
      const broken = bytes.slice();
      broken[at]! ^= 1 << (at % 8);
      expect(kindOf(broken), `byte ${at}`).toBe('corrupt');
      expect(kindOf(bytes.subarray(0, at)), `${at} bytes`).toBe('corrupt');
    }
  });

  it('of a newer version is refused by name', () => {
    const bytes = encodeSnapshot(new Tree(), ID, crc32c);
    bytes[4] = 2;
    new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32c(bytes.subarray(0, -4)));
    expect(kindOf(bytes)).toBe('unknownRecord');
  });
});
