/**
 * A node that is a controller and no broker (`process.roles=controller`): it votes and may lead the quorum, holds no partitions, is
 * registered nowhere and is told to no client. Whoever comes to it all the same gets what Kafka answers on a controller's listener:
 * the cluster's administration.
 */
import { ApiKey } from '@odradek/protocol';
import type { Handler } from '../handlers/handler.ts';

const CONTROLLER_KEYS: ReadonlySet<number> = new Set([
  ApiKey.ApiVersions,
  ApiKey.SaslHandshake,
  ApiKey.SaslAuthenticate,
  ApiKey.CreateTopics,
  ApiKey.DeleteTopics,
  ApiKey.CreatePartitions,
  ApiKey.DescribeAcls,
  ApiKey.CreateAcls,
  ApiKey.DeleteAcls,
  ApiKey.DescribeConfigs,
  ApiKey.AlterConfigs,
  ApiKey.IncrementalAlterConfigs,
  ApiKey.ElectLeaders,
  ApiKey.AlterPartitionReassignments,
  ApiKey.ListPartitionReassignments,
  ApiKey.DescribeQuorum,
  ApiKey.DescribeCluster,
  ApiKey.UnregisterBroker,
  ApiKey.AddRaftVoter,
  ApiKey.RemoveRaftVoter,
]);

export const controllerHandlers = (handlers: readonly Handler[]): readonly Handler[] =>
  handlers.filter(({ key }) => CONTROLLER_KEYS.has(key));
