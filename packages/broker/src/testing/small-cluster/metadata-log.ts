/** The ensemble, as if it never failed: proposals are checked by version and committed at once, in one order for all. */
import { offset, type Offset } from '@odradek/protocol';
import type { Proposal, TreeOp } from '@odradek/quorum';
import { MetadataImage, type NodeChange } from '../../metadata/image.ts';

export class MetadataLog {
  readonly image = new MetadataImage();
  readonly batches: (readonly NodeChange[])[] = [];
  readonly #versions = new Map<string, number>();
  readonly onCommitted: (() => void)[] = [];

  get endOffset(): Offset {
    return offset(this.batches.length);
  }

  propose(ops: readonly TreeOp[]): Promise<Proposal> {
    const fault = ops.findIndex((op) => !this.#fits(op));
    if (fault >= 0) {
      const error = { code: 'badVersion', message: 'overtaken', opIndex: fault } as const;
      return Promise.resolve({ status: 'refused', error });
    }
    const changes = ops.flatMap((op): NodeChange[] => {
      const known = this.#versions.get(op.path);
      if (op.op === 'check') return [];
      if (op.op === 'delete') {
        this.#versions.delete(op.path);
        return [{ path: op.path, value: null }];
      }
      this.#versions.set(op.path, known === undefined ? 0 : known + 1);
      return [{ path: op.path, value: op.value ?? new Uint8Array(0) }];
    });
    this.batches.push(changes);
    this.image.apply(changes);
    for (const tell of this.onCommitted) tell();
    return Promise.resolve({ status: 'committed' } as unknown as Proposal);
  }

  #fits(op: TreeOp): boolean {
    const known = this.#versions.get(op.path);
    if (op.op === 'create') return known === undefined;
    if (known === undefined) return false;
    return op.expectedVersion === undefined || op.expectedVersion === known;
  }
}
