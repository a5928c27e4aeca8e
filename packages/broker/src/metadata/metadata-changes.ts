/**
 * What is committed in the metadata log, as it reaches this broker: first the image, then whoever acts on it. Before the logs are
 * recovered changes only go into the image: recovery hosts what it then finds there.
 */
import type { GroupCoordinator } from '@odradek/coordinator';
import type { BrokerObserver } from '@odradek/ports';
import type { NodeId } from '@odradek/protocol';
import type { QuorumMember, TreeChange } from '@odradek/quorum';
import type { Cluster } from '../cluster/cluster.ts';
import type { ReplicaManager } from '../replica-manager.ts';
import type { Settings } from '../settings.ts';
import type { ImageDelta, MetadataImage, NodeChange } from './image.ts';

export interface MetadataChangesOptions {
  readonly nodeId: NodeId;
  readonly image: MetadataImage;
  readonly settings: Settings;
  readonly cluster: Pick<Cluster, 'topicConfigsChanged'> | undefined;
  readonly observer: BrokerObserver | undefined;
}

export class MetadataChanges {
  readonly #options: MetadataChangesOptions;
  #reached: { readonly replicas: ReplicaManager; readonly groups: GroupCoordinator } | undefined;

  constructor(options: MetadataChangesOptions) {
    this.#options = options;
  }

  /** Takes in what is there, and from now on what comes. */
  follow(quorum: Pick<QuorumMember, 'tree' | 'onChange'>): void {
    const { image, settings, nodeId, observer } = this.#options;
    const initial: NodeChange[] = [];
    for (const [path, node] of quorum.tree.descend('/')) initial.push({ path, value: node.value });
    image.apply(initial);
    settings.refresh();
    quorum.onChange((changes, offset) => {
      observer?.metadataApplied?.({ nodeId, offset });
      this.#apply(changes);
    });
  }

  /** From now on changes come to these, too. */
  reach(replicas: ReplicaManager, groups: GroupCoordinator): void {
    this.#reached = { replicas, groups };
  }

  #apply(changes: readonly TreeChange[]): void {
    const { image, settings, cluster } = this.#options;
    const nodes: NodeChange[] = [];
    for (const change of changes) {
      if (change.kind === 'nodeCreated' || change.kind === 'nodeChanged') {
        nodes.push({ path: change.path, value: change.node.value });
      } else if (change.kind === 'nodeDeleted') nodes.push({ path: change.path, value: null });
    }
    const delta = image.apply(nodes);
    this.#observe(delta);
    if (delta.brokerConfigs.size > 0) settings.refresh();
    cluster?.topicConfigsChanged(delta.topicConfigs);
    if (this.#reached === undefined) return;
    const { replicas, groups } = this.#reached;
    replicas.apply(delta);
    if (delta.deletedTopics.length > 0)
      groups.onTopicsDeleted(delta.deletedTopics.map((it) => it.name));
  }

  #observe({ topics, deletedTopics }: ImageDelta): void {
    const { observer, nodeId, image } = this.#options;
    if (observer === undefined) return;
    for (const { name: topic } of deletedTopics) observer.topicDeleted?.({ nodeId, topic });
    for (const topic of topics)
      image.topics.get(topic)?.partitions.forEach((it, partition) =>
        observer.isrChanged?.({
          nodeId,
          topic,
          partition,
          leader: it.leader,
          leaderEpoch: it.leaderEpoch,
          partitionEpoch: it.partitionEpoch,
          isr: it.isr,
          elr: it.elr ?? [],
          isUnclean: it.isRecovering === true,
        }),
      );
  }
}
