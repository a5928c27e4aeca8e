import type { TreeChange, TreeNode } from '@odradek/quorum';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeHistory } from './change-history.ts';
import { WatchSet } from './watch-set.ts';

const node = { value: new Uint8Array(0) } as TreeNode;
const created = (path: string): TreeChange => ({ kind: 'nodeCreated', path: `/app${path}`, node });
const everything = new WatchSet([{ path: '/', scope: 2 }]);

describe('the history of changes', () => {
  it('gives whoever goes on where the last answer ended each change once, in order, or tells of a gap', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 4, max: 40 }),
        fc.integer({ min: 0, max: 20 }),
        (sizes, changesMax, remembered, readEvery) => {
          const history = new ChangeHistory(10, remembered);
          const all: string[] = [];
          const seen: string[] = [];
          let place = 10;
          let offset = 9;
          let hasGap = false;
          const read = (): void => {
            for (;;) {
              const found = history.since(place, everything, changesMax, offset + 1);
              if (found === undefined) {
                hasGap = true;
                place = offset + 1;
                return;
              }
              seen.push(...found.changes.map((it) => it.path));
              expect(found.nextOffset).toBeGreaterThanOrEqual(place);
              place = found.nextOffset;
              if (place > offset) return;
            }
          };
          sizes.forEach((size, step) => {
            const paths = Array.from({ length: size }, (_, index) => `/${step}-${index}`);
            offset += size;
            all.push(...paths);
            history.append(paths.map(created), offset);
            if (step % (readEvery + 1) === 0) read();
          });
          read();
          if (hasGap) {
            let at = -1;
            for (const path of seen) expect(all.indexOf(path)).toBeGreaterThan(at++);
          } else expect(seen).toEqual(all);
        },
      ),
    );
  });

  it("says nothing of the cluster's own", () => {
    const history = new ChangeHistory(0, 100);
    history.append([{ kind: 'nodeCreated', path: '/topics/app', node }], 0);
    history.append([{ kind: 'nodeCreated', path: '/application', node }], 1);
    expect(history.since(0, everything, 10, 2)).toEqual({ changes: [], nextOffset: 2 });
  });
});
