/** WriteTree at the quorum's leader: an application's operations as the tree's own, within the application's limits. */
import {
  ErrorCode,
  TreeOpKind,
  TreeResult,
  utf8Length,
  type Input,
  type WriteTreeRequest,
  type writeTreeResponse,
} from '@odradek/protocol';
import type {
  OpResult,
  QuorumMember,
  ReadonlyTree,
  SessionId,
  TreeError,
  TreeNode,
  TreeOp,
} from '@odradek/quorum';
import { parentOf } from '@odradek/quorum';
import { appPathFault, inAppWords, toApp, toTree, toTreePrefix } from './app-paths.ts';
import type { AppUsage } from './app-usage.ts';
import { unknown } from './leader-door.ts';
import { APP_LIMITS } from './limits.ts';

type Response = Input<typeof writeTreeResponse>;
type AskedOp = WriteTreeRequest['ops'][number];

interface Fault {
  readonly result: TreeResult;
  readonly message: string;
}

const NO_VALUE = new Uint8Array(0);
const NOT_SURE = {
  errorCode: ErrorCode.NOT_CONTROLLER,
  errorMessage: 'nothing was done, and this broker cannot tell whether it leads the quorum still',
};

export async function writeAtLeader(
  quorum: Pick<QuorumMember, 'propose' | 'sync' | 'tree'>,
  usage: AppUsage,
  { sessionId, ops }: WriteTreeRequest,
): Promise<Response> {
  const wanted: TreeOp[] = [];
  for (let index = 0; index < ops.length; index++) {
    const op = ops[index]!;
    const fault = faultOf(op, quorum.tree, usage);
    if (fault !== undefined) return refusedBy(fault.result, fault.message, index);
    wanted.push(treeOp(op));
  }
  let proposal: Awaited<ReturnType<QuorumMember['propose']>>;
  try {
    proposal = await quorum.propose(
      wanted,
      sessionId < 0 ? {} : { sessionId: sessionId as SessionId },
    );
  } catch (error) {
    return refusedWrite(unknown(error));
  }
  switch (proposal.status) {
    case 'committed':
      return {
        errorCode: ErrorCode.NONE,
        offset: proposal.offset,
        results: proposal.results.map(resultOf),
      };
    case 'refused':
      return (await isConfirmed(quorum, proposal.error))
        ? refusedAs(proposal.error)
        : refusedWrite(NOT_SURE);
    case 'notLeader':
      return refusedWrite({
        errorCode: ErrorCode.NOT_CONTROLLER,
        errorMessage: 'this broker does not lead the quorum',
      });
  }
}

/** "It exists" is a read, and one that was deposed unawares might say it of what is gone. A limit is none. */
async function isConfirmed(
  quorum: Pick<QuorumMember, 'sync'>,
  { code }: TreeError,
): Promise<boolean> {
  if (code === 'overloaded' || code === 'tooLarge' || code === 'invalidPath') return true;
  return quorum.sync().then(
    () => true,
    () => false,
  );
}

/** What makes a request one that nobody would send; undefined where it may be asked. */
export function writeFault({ ops }: WriteTreeRequest): string | undefined {
  if (ops.length === 0) return 'a write without operations';
  if (ops.length > APP_LIMITS.opsPerWriteMax)
    return `${ops.length} operations in one write, ${APP_LIMITS.opsPerWriteMax} at most`;
  let bytes = 0;
  for (const { kind, path, value } of ops) {
    if (kind < TreeOpKind.create || kind > TreeOpKind.check) return `no operation ${kind}`;
    bytes += utf8Length(path) + (value?.length ?? 0);
  }
  if (bytes > APP_LIMITS.writeBytesMax)
    return `a write of ${bytes} bytes, ${APP_LIMITS.writeBytesMax} at most`;
  return undefined;
}

export const refusedWrite = (refusal: {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string;
}): Response => ({ ...refusal, results: [] });

const refusedBy = (result: TreeResult, errorMessage: string, failedOp: number): Response => ({
  errorCode: ErrorCode.NONE,
  errorMessage,
  result,
  failedOp,
  results: [],
});

const refusedAs = ({ code, message, opIndex }: TreeError): Response =>
  refusedBy(TreeResult[code], inAppWords(message), opIndex);

/** What the tree would take and an application may not do. Of what waits for its commit it knows nothing: limits are passed by that much. */
function faultOf(
  { kind, path, value, isSequential }: AskedOp,
  tree: ReadonlyTree,
  usage: AppUsage,
): Fault | undefined {
  const { valueBytesMax, childrenMax, nodesMax, bytesMax } = APP_LIMITS;
  const invalid = appPathFault(path);
  if (invalid !== undefined) return { result: TreeResult.invalidPath, message: invalid };
  if (kind === TreeOpKind.delete)
    return path === '/' ? { result: TreeResult.invalidPath, message: 'the root stays' } : undefined;
  if (kind === TreeOpKind.check) return undefined;
  const tooLarge = (message: string): Fault => ({ result: TreeResult.tooLarge, message });
  const size = value?.length ?? 0;
  if (size > valueBytesMax)
    return tooLarge(`${path}: a value of ${size} bytes, ${valueBytesMax} at most`);
  if (usage.bytes + size > bytesMax)
    return tooLarge(`applications have filled the tree with ${usage.bytes} bytes`);
  if (kind !== TreeOpKind.create) return undefined;
  if (usage.nodes >= nodesMax) return tooLarge(`applications have ${usage.nodes} nodes`);
  const at = isSequential ? toTreePrefix(path) : toTree(path);
  const parent = tree.get(parentOf(at));
  if (parent !== undefined && parent.childCount >= childrenMax)
    return tooLarge(`${path}: its parent has ${parent.childCount} children`);
  return undefined;
}

/** Values are the tree's from here on: they must not keep the whole request in memory. */
function treeOp({
  kind,
  path,
  value,
  expectedVersion,
  isEphemeral,
  isSequential,
}: AskedOp): TreeOp {
  const expected = expectedVersion < 0 ? {} : { expectedVersion };
  switch (kind) {
    case TreeOpKind.create:
      return {
        op: 'create',
        path: isSequential ? toTreePrefix(path) : toTree(path),
        value: value?.slice() ?? NO_VALUE,
        ephemeral: isEphemeral,
        sequential: isSequential,
      };
    case TreeOpKind.set:
      return { op: 'set', path: toTree(path), value: value?.slice() ?? NO_VALUE, ...expected };
    case TreeOpKind.delete:
      return { op: 'delete', path: toTree(path), ...expected };
    default:
      return { op: 'check', path: toTree(path), ...expected };
  }
}

function resultOf(result: OpResult): Response['results'][number] {
  switch (result.op) {
    case 'create':
    case 'set':
    case 'check':
      return { path: toApp(result.path)!, ...statOf(result.node) };
    case 'delete':
      return { path: toApp(result.path)! };
    default:
      throw new Error(`an application's write cannot result in ${result.op}`);
  }
}

export const statOf = (node: TreeNode) => ({
  version: node.version,
  childrenVersion: node.childrenVersion,
  childCount: node.childCount,
  createdAt: node.createdAt,
  modifiedAt: node.modifiedAt,
  ephemeralOwner: node.ephemeralOwner ?? -1,
});
