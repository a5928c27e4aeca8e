/** What handlers work with: the broker's parts, each by its narrow face. */
import type { GroupCoordinator } from '@odradek/coordinator';
import type { Clock, Logger, Random } from '@odradek/ports';
import type { NodeId } from '@odradek/protocol';
import type { RequestBudget } from './connection/request-budget.ts';
import type { Forwarding } from './cluster/forwarding.ts';
import type { Coordination } from './coordination/coordination.ts';
import type { ReplicationThrottle } from './cluster/replication-throttle.ts';
import type { QuorumMember } from '@odradek/quorum';
import type { ClusterController } from './controller/cluster-controller.ts';
import type { Controller } from './controller/controller.ts';
import type { ProducerIds } from './controller/producer-ids.ts';
import type { FetchSessions } from './fetch/fetch-sessions.ts';
import type { Handler } from './handlers/handler.ts';
import type { InternalTopics } from './internal-topics.ts';
import type { MetadataImage } from './metadata/image.ts';
import type { ReplicaManager } from './replica-manager.ts';
import type { Settings } from './settings.ts';
import type { Unpacking } from './unpacking.ts';

export interface BrokerServices {
  readonly nodeId: NodeId;
  readonly image: MetadataImage;
  readonly controller: Controller;
  readonly quorum: QuorumMember;
  /** Undefined while another broker of the cluster is the controller. */
  readonly clusterController: () => ClusterController | undefined;
  /** To the controller of a cluster, where that is another broker. */
  readonly forwarding?: Forwarding;
  /** What copying to other brokers may cost. */
  readonly throttle?: ReplicationThrottle;
  /** The tree, for applications. */
  readonly coordination: Coordination;
  readonly producerIds: ProducerIds;
  readonly replicas: ReplicaManager;
  readonly groups: GroupCoordinator;
  readonly internalTopics: InternalTopics;
  readonly fetchSessions: FetchSessions;
  /** What all connections together may have under way. */
  readonly budget: RequestBudget;
  /** Bounds what one produce has unpacked. */
  readonly unpacking: Unpacking;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly handlers: readonly Handler[];
  /** Of a node that is a controller and no broker: where it listens. */
  readonly controllerAddress?: (
    listenerName: string,
  ) => { readonly host: string; readonly port: number } | undefined;
  /** Where the data is, for DescribeLogDirs: a folder, "memory". */
  readonly dataLocation: string;
}
