/** Who votes in the metadata quorum, changed one at a time. The quorum tells the storage by which it knows a node. */
import { Admin, type QuorumMember } from '@odradek/client';
import type { VoterOptions } from './commands/cluster.ts';
import { withCluster } from './connect.ts';
import { plural, say } from './messages.ts';
import { writeJson } from './table.ts';
import { EXIT_OK, UsageError } from './world.ts';
import type { World } from './world.ts';

export const addVoter = (world: World, nodeId: number, options: VoterOptions): Promise<number> =>
  change(world, nodeId, options, 'observer', (admin, { directoryId }) =>
    admin.addVoter(nodeId, directoryId),
  );

export const removeVoter = (world: World, nodeId: number, options: VoterOptions): Promise<number> =>
  change(world, nodeId, options, 'voter', (admin, { directoryId }) =>
    admin.removeVoter(nodeId, directoryId),
  );

function change(
  world: World,
  nodeId: number,
  { json, directoryId, ...connect }: VoterOptions,
  wanted: 'observer' | 'voter',
  make: (admin: Admin, member: QuorumMember) => Promise<void>,
): Promise<number> {
  return withCluster(world, connect, async (cluster) => {
    const admin = new Admin(cluster);
    await make(admin, memberNamed(await membersOf(admin), nodeId, directoryId, wanted));
    const voters = (await membersOf(admin)).filter(isVoter).map((it) => it.nodeId);
    if (json) await writeJson(world, [{ voters }]);
    else await say(world, `${plural(voters.length, 'voter')}: ${voters.join(', ')}`);
    return EXIT_OK;
  });
}

const membersOf = async (admin: Admin): Promise<readonly QuorumMember[]> =>
  (await admin.describeQuorum())?.members ?? [];

const isVoter = ({ role }: QuorumMember): boolean => role !== 'observer';

function memberNamed(
  members: readonly QuorumMember[],
  nodeId: number,
  directoryId: string | undefined,
  wanted: 'observer' | 'voter',
): QuorumMember {
  const known = members.filter(
    (it) => it.nodeId === nodeId && (directoryId ?? it.directoryId) === it.directoryId,
  );
  const found = known.filter((it) => isVoter(it) === (wanted === 'voter'));
  const [only, another] = found;
  if (another !== undefined)
    throw new UsageError(
      `node ${nodeId} is known with several storages: name one by --directory-id (${found.map((it) => it.directoryId).join(', ')})`,
    );
  if (only !== undefined) return only;
  if (known.length > 0)
    throw new UsageError(
      wanted === 'voter' ? `node ${nodeId} is no voter` : `node ${nodeId} is a voter already`,
    );
  throw new UsageError(
    wanted === 'voter'
      ? `the quorum knows no voter ${nodeId}`
      : `the quorum knows no node ${nodeId}: start it first, with process.roles=broker`,
  );
}
