import { describe, expect, it } from 'vitest';
import { nodeId } from '@odradek/protocol';
import { encodeNode } from '../metadata/nodes.ts';
import { deletionPath } from '../metadata/paths.ts';
import { applyOps, imageOf, partitionOf, WORDS, WORDS_ID } from '../testing/image-of.ts';
import { partitionOp } from './broker-changes.ts';
import { withRemovalNotes } from './removal-notes.ts';

describe('a replica that leaves a partition', () => {
  const moved = partitionOf({ replicas: [1, 2], isr: [1, 2] });

  it('is noted for its broker, one note for all partitions of the topic', () => {
    const image = imageOf([{}, {}, { replicas: [1, 2] }]);
    const ops = [0, 1, 2].map((it) => partitionOp(WORDS, it, moved));
    applyOps(image, withRemovalNotes(ops, image));
    expect([...image.deletions]).toEqual([
      [`3/${WORDS_ID}`, { topic: WORDS, topicId: WORDS_ID, partitions: [0, 1] }],
    ]);
  });

  it('is added to what is noted already', () => {
    const image = imageOf([{}, {}]);
    const path = deletionPath(nodeId(3), WORDS_ID);
    image.apply([{ path, value: encodeNode({ topic: WORDS, partitions: [1] }) }]);
    const ops = withRemovalNotes([partitionOp(WORDS, 0, moved)], image);
    expect(ops.at(-1)).toMatchObject({ op: 'set', path });
    applyOps(image, ops);
    expect(image.deletions.get(`3/${WORDS_ID}`)?.partitions).toEqual([0, 1]);
  });

  it('of a broker that is not registered is nobody’s to remove', () => {
    const image = imageOf([{}], [{ id: 1 }, { id: 2 }]);
    const ops = [partitionOp(WORDS, 0, moved)];
    expect(withRemovalNotes(ops, image)).toBe(ops);
  });
});
