/** Who leads the quorum of a cluster of processes, by what the brokers themselves say. */
import { Admin, type Cluster } from '@odradek/client';
import { until } from '../support/until.ts';

export async function quorumLeader(cluster: Cluster): Promise<number> {
  const admin = new Admin(cluster);
  let leaderId = -1;
  await until(async () => {
    const quorum = await admin.describeQuorum().catch(() => undefined);
    leaderId = quorum?.leaderId ?? -1;
    return leaderId >= 0;
  });
  return leaderId;
}
