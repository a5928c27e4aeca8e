/**
 * Whether a multi may be, and what to write if so: all of it or nothing (ZooKeeper's multi). Each operation is decided on
 * what the ones before it leave, because each record is replayed onto the multi's own sheet as soon as it is decided. So
 * what an operation does is written once, in `replay`; here stands only what it requires.
 */
import { offset, utf8Length, type Offset } from '@odradek/protocol';
import { TREE_LIMITS, type TreeLimits } from '../limits.ts';
import { Draft } from './draft.ts';
import { sessionId, type SessionId, type TreeNode, type TreeView } from './node.ts';
import type { OpResult, SessionOp, TreeError, TreeErrorCode, TreeOp } from './operation.ts';
import { parentOf, pathFault, ROOT, SEQUENCE_MAX, sequentialPath } from './path.ts';
import type { TreeRecord } from './record.ts';
import { replay } from './replay.ts';

export interface DecisionContext {
  /** Where the first record will stand in the log. */
  readonly nextOffset: Offset;
  readonly sessionId?: SessionId | undefined;
  readonly limits?: TreeLimits;
}

export type Decision =
  | {
      readonly status: 'decided';
      /** One at least, for one batch at `nextOffset`. */
      readonly records: readonly TreeRecord[];
      readonly results: readonly OpResult[];
      /** Paths and values. */
      readonly sizeBytes: number;
      /** What the records do to the tree. */
      readonly draft: Draft;
    }
  | { readonly status: 'refused'; readonly error: TreeError };

const NO_BYTES = new Uint8Array(0);

export function decide(
  tree: TreeView,
  ops: readonly (TreeOp | SessionOp)[],
  context: DecisionContext,
): Decision {
  const limits = context.limits ?? TREE_LIMITS;
  if (ops.length > limits.opsPerMultiMax) {
    return refusedAt(
      0,
      no('tooLarge', `a multi of ${ops.length} operations, ${limits.opsPerMultiMax} at most`),
    );
  }
  if (context.sessionId !== undefined && tree.session(context.sessionId) === undefined) {
    return refusedAt(0, no('sessionExpired', `session ${context.sessionId} is not open`));
  }
  const draft = new Draft(tree);
  const records: TreeRecord[] = [];
  const results: OpResult[] = [];
  let sizeBytes = 0;
  for (let index = 0; index < ops.length; index++) {
    const op = ops[index]!;
    const step = stepOf(draft, op, context.sessionId, limits);
    if ('code' in step) return refusedAt(index, step);
    if (step.record !== undefined) {
      sizeBytes += sizeOf(step.record);
      if (sizeBytes > limits.multiBytesMax) {
        return refusedAt(
          index,
          no('tooLarge', `a multi of more than ${limits.multiBytesMax} bytes`),
        );
      }
      replay(draft, step.record, offset(context.nextOffset + records.length));
      records.push(step.record);
    }
    results.push(resultOf(draft, op, step.path, offset(context.nextOffset + records.length - 1)));
  }
  if (records.length === 0) records.push({ type: 'noOp' });
  return { status: 'decided', records, results, sizeBytes, draft };
}

/** Deletes the node and all below it, children first. Guarded only by the tree's rule: a child that came since makes it fail. */
export function deleteAll(descent: Iterable<readonly [path: string, node: TreeNode]>): TreeOp[] {
  return [...descent].reverse().map(([path]) => ({ op: 'delete', path }));
}

/** What one operation writes; nothing for a check. */
interface Step {
  readonly path: string;
  readonly record?: TreeRecord;
}

interface Refusal {
  readonly code: TreeErrorCode;
  readonly message: string;
}

const no = (code: TreeErrorCode, message: string): Refusal => ({ code, message });

const refusedAt = (opIndex: number, refusal: Refusal): Decision => ({
  status: 'refused',
  error: { ...refusal, opIndex },
});

function stepOf(
  tree: TreeView,
  op: TreeOp | SessionOp,
  session: SessionId | undefined,
  limits: TreeLimits,
): Step | Refusal {
  switch (op.op) {
    case 'create':
      return created(tree, op, session, limits);
    case 'set':
      return (
        misfit(tree, op, limits) ??
        valueFault(op.value, limits) ?? {
          path: op.path,
          record: { type: 'nodeChanged', path: op.path, value: op.value },
        }
      );
    case 'delete':
      return deleted(tree, op, limits);
    case 'check':
      return misfit(tree, op, limits) ?? { path: op.path };
    case 'openSession': {
      if (tree.sessionCount >= limits.sessionsMax)
        return no('tooLarge', `${limits.sessionsMax} sessions are open`);
      const wanted = Math.ceil(op.timeoutMs);
      const timeoutMs = Math.min(
        Math.max(wanted, limits.sessionTimeoutMsMin),
        limits.sessionTimeoutMsMax,
      );
      return { path: ROOT, record: { type: 'sessionOpened', timeoutMs } };
    }
    case 'closeSession':
      if (tree.session(op.sessionId) === undefined)
        return no('sessionExpired', `session ${op.sessionId} is not open`);
      return {
        path: ROOT,
        record: { type: 'sessionClosed', sessionId: op.sessionId, end: op.end },
      };
  }
}

function created(
  tree: TreeView,
  op: TreeOp & { op: 'create' },
  session: SessionId | undefined,
  limits: TreeLimits,
): Step | Refusal {
  // The parent of a sequential node is that of its prefix, whatever digits follow; "/locks/" is a prefix too.
  const parentPath = op.path.includes('/') ? parentOf(op.path) : op.path;
  const parent = tree.get(parentPath);
  const sequence = parent?.childrenVersion ?? 0;
  if (op.sequential === true && sequence > SEQUENCE_MAX) {
    return no('tooLarge', `${parentPath} has used up its sequence numbers`);
  }
  const path = op.sequential === true ? sequentialPath(op.path, sequence) : op.path;
  const fault = pathFault(path, limits);
  if (fault !== undefined) return no('invalidPath', fault);
  if (path === ROOT) return no('nodeExists', 'the root is always there');
  if (parent === undefined) return no('noParent', `${parentPath} is not there`);
  if (parent.ephemeralOwner !== null)
    return no('ephemeralParent', `${parentPath} is ephemeral and has no children`);
  if (tree.get(path) !== undefined) return no('nodeExists', `${path} is there`);
  if (op.ephemeral === true && session === undefined) {
    return no('sessionExpired', `${path} would be ephemeral, and there is no session`);
  }
  if (parent.childCount >= limits.childrenMax)
    return no('tooLarge', `${parentPath} has ${parent.childCount} children`);
  if (tree.nodeCount >= limits.nodesMax)
    return no('tooLarge', `the tree has ${tree.nodeCount} nodes`);
  const value = op.value ?? NO_BYTES;
  const ephemeralOwner = op.ephemeral === true ? session! : null;
  return (
    valueFault(value, limits) ?? {
      path,
      record: { type: 'nodeCreated', path, value, ephemeralOwner },
    }
  );
}

function deleted(
  tree: TreeView,
  op: TreeOp & { op: 'delete' },
  limits: TreeLimits,
): Step | Refusal {
  const misfits = misfit(tree, op, limits);
  if (misfits !== undefined) return misfits;
  if (op.path === ROOT) return no('invalidPath', 'the root stays');
  if (tree.get(op.path)!.childCount > 0) return no('notEmpty', `${op.path} has children`);
  return { path: op.path, record: { type: 'nodeDeleted', path: op.path } };
}

/** Why the operation does not fit the node that it names, or undefined. */
function misfit(
  tree: TreeView,
  op: { readonly path: string; readonly expectedVersion?: number },
  limits: TreeLimits,
): Refusal | undefined {
  const fault = pathFault(op.path, limits);
  if (fault !== undefined) return no('invalidPath', fault);
  const node = tree.get(op.path);
  if (node === undefined) return no('noNode', `${op.path} is not there`);
  if (op.expectedVersion !== undefined && op.expectedVersion !== node.version) {
    return no('badVersion', `${op.path} is in version ${node.version}, not ${op.expectedVersion}`);
  }
  return undefined;
}

function valueFault(value: Uint8Array, limits: TreeLimits): Refusal | undefined {
  if (value.length <= limits.valueBytesMax) return undefined;
  return no('tooLarge', `a value of ${value.length} bytes, ${limits.valueBytesMax} at most`);
}

function resultOf(tree: TreeView, op: TreeOp | SessionOp, path: string, at: Offset): OpResult {
  switch (op.op) {
    case 'create':
    case 'set':
    case 'check':
      return { op: op.op, path, node: tree.get(path)! };
    case 'delete':
      return { op: 'delete', path };
    case 'openSession':
      return { op: 'openSession', session: tree.session(sessionId(at))! };
    case 'closeSession':
      return { op: 'closeSession', sessionId: op.sessionId };
  }
}

function sizeOf(record: TreeRecord): number {
  switch (record.type) {
    case 'nodeCreated':
    case 'nodeChanged':
      return utf8Length(record.path) + record.value.length;
    case 'nodeDeleted':
      return utf8Length(record.path);
    default:
      return 0;
  }
}
