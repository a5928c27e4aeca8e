/** What a topic's configuration says about its leaders. */
export interface TopicPolicy {
  /** `min.insync.replicas` */
  minInsyncReplicas(topic: string): number;
  /** `unclean.leader.election.enable` */
  isUncleanElectionEnabled(topic: string): boolean;
}

/** Kafka's defaults. */
export const DEFAULT_TOPIC_POLICY: TopicPolicy = {
  minInsyncReplicas: () => 1,
  isUncleanElectionEnabled: () => false,
};
