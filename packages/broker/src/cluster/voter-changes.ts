/**
 * Voters of the metadata quorum added and removed by a person (KIP-853). Kafka lets such a request wait until the ensemble can
 * do it, within its time: the one that is added catches up, another change is committed.
 *
 * A voter that was removed is noted in the tree, because the members' configuration may name it still: it must not be made a
 * voter again just because it follows the log well.
 */
import type { Clock } from '@odradek/ports';
import { ErrorCode, nodeId, type NodeId, type Uuid } from '@odradek/protocol';
import type { QuorumMember, TreeOp, VoterChange, VoterEndpoint } from '@odradek/quorum';
import { decided, refuse, type Decision } from '../controller/outcome.ts';
import { propose } from '../controller/propose.ts';
import type { MetadataImage } from '../metadata/image.ts';
import { REMOVED_VOTERS_PATH, removedVoterPath } from '../metadata/paths.ts';
import { PEER_LISTENER } from './peer-listener.ts';

/** A request names its own time, and gets no more than this. */
const CHANGE_TIMEOUT_MS_MAX = 30_000;
const RETRY_PAUSE_MS = 50;

export interface VoterChangesOptions {
  readonly quorum: Pick<QuorumMember, 'propose' | 'tree' | 'voterSet' | 'addVoter' | 'removeVoter'>;
  readonly image: Pick<MetadataImage, 'brokers' | 'clusterId'>;
  readonly clock: Clock;
}

export interface NamedVoter {
  readonly clusterId: string | null;
  readonly id: number;
  readonly directoryId: Uuid;
}

/** Whether a node that the configuration names may be made a voter without being asked for. */
export const mayJoinByItself = (quorum: Pick<QuorumMember, 'tree'>, id: NodeId): boolean =>
  !quorum.tree.has(removedVoterPath(id));

export async function addVoter(
  options: VoterChangesOptions,
  named: NamedVoter,
  endpoints: readonly VoterEndpoint[],
  timeoutMs: number,
): Promise<Decision<null>> {
  const { quorum, image } = options;
  const fault = otherCluster(options, named);
  if (fault !== undefined) return fault;
  const voter = { id: nodeId(named.id), incarnation: named.directoryId };
  // Who runs a broker is known to the cluster; Kafka asks for the addresses in any case.
  const known = endpoints.length > 0 ? endpoints : (image.brokers.get(voter.id)?.listeners ?? []);
  const reachable = known.filter((it) => it.name === PEER_LISTENER);
  if (reachable.length === 0)
    return refuse(
      ErrorCode.INVALID_REQUEST,
      `node ${voter.id} has no listener ${PEER_LISTENER}, by which the other voters could reach it`,
    );
  const path = removedVoterPath(voter.id);
  if (quorum.tree.has(path)) {
    const forgotten = await propose(quorum, [{ op: 'delete', path }], `the voter ${voter.id}`);
    if (!forgotten.ok) return forgotten;
  }
  return await insist(options.clock, timeoutMs, () =>
    quorum.addVoter({
      ...voter,
      endpoints: reachable.map(({ name, host, port }) => ({ name, host, port })),
    }),
  );
}

export async function removeVoter(
  options: VoterChangesOptions,
  named: NamedVoter,
): Promise<Decision<null>> {
  const { quorum } = options;
  const fault = otherCluster(options, named);
  if (fault !== undefined) return fault;
  const voter = { id: nodeId(named.id), incarnation: named.directoryId };
  const isVoter = quorum.voterSet.some(
    (it) => it.id === voter.id && it.incarnation === voter.incarnation,
  );
  if (isVoter && quorum.voterSet.length > 1) {
    const noted = await noteRemoved(options, voter.id);
    if (!noted.ok) return noted;
  }
  return await insist(options.clock, CHANGE_TIMEOUT_MS_MAX, () => quorum.removeVoter(voter));
}

/** Before it is removed: afterwards this member may not lead any more. */
async function noteRemoved({ quorum }: VoterChangesOptions, id: NodeId): Promise<Decision<null>> {
  const path = removedVoterPath(id);
  const ops: TreeOp[] = [REMOVED_VOTERS_PATH, path]
    .filter((it) => !quorum.tree.has(it))
    .map((it) => ({ op: 'create', path: it }));
  return ops.length === 0 ? decided(null) : await propose(quorum, ops, `the voter ${id}`);
}

const otherCluster = (
  { image }: VoterChangesOptions,
  { clusterId }: NamedVoter,
): Decision<null> | undefined =>
  clusterId === null || clusterId === image.clusterId
    ? undefined
    : refuse(
        ErrorCode.INCONSISTENT_CLUSTER_ID,
        `this cluster is ${image.clusterId}, not ${clusterId}`,
      );

/** What the ensemble cannot do yet is tried again within the time. */
async function insist(
  clock: Clock,
  timeoutMs: number,
  change: () => ReturnType<QuorumMember['addVoter']>,
): Promise<Decision<null>> {
  const endMs = clock.monotonicMs() + Math.min(timeoutMs, CHANGE_TIMEOUT_MS_MAX);
  for (;;) {
    const answer = await change().catch(unknown);
    if (answer.status === 'committed') return decided(null);
    if (answer.status === 'notLeader')
      return refuse(ErrorCode.NOT_LEADER_OR_FOLLOWER, 'this broker does not lead the quorum');
    const isFinal = answer.errorCode !== ErrorCode.REQUEST_TIMED_OUT;
    if (isFinal || clock.monotonicMs() + RETRY_PAUSE_MS >= endMs)
      return refuse(answer.errorCode, answer.message);
    await new Promise<void>((resolve) => clock.setTimeout(resolve, RETRY_PAUSE_MS));
  }
}

/** The lead was lost meanwhile: it may be committed all the same. */
const unknown = (error: unknown): VoterChange => ({
  status: 'refused',
  errorCode: ErrorCode.UNKNOWN_SERVER_ERROR,
  message: `whether the voters were changed is not known: ${error instanceof Error ? error.message : String(error)}`,
});
