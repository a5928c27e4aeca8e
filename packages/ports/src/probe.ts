/**
 * What a simulation may do to a broker beyond its ports: switch known bugs on, and look inside. No host but the simulator
 * passes a Probe, and no configuration reaches it.
 *
 * A mutant is a bug that some broker has really had. It stands at one line as `mutants.has('...')`, and the simulator has to
 * find it: that is how we know that it would find the like.
 */
export type MutantName =
  // One broker's log.
  | 'acknowledgeBeforeFlush'
  | 'forgetProducerStateOnRestart'
  | 'truncateTornTailTooFar'
  | 'highWatermarkAheadOfFlush'
  // Those that the other packages name themselves: "replication.zombieLeader", "quorum.lostVote".
  | `log.${string}`
  | `replication.${string}`
  | `quorum.${string}`
  | `coordinator.${string}`
  | `broker.${string}`;

export interface Mutants {
  has(name: MutantName): boolean;
}

export const NO_MUTANTS: Mutants = { has: () => false };

/** A partition and who speaks of it. The metadata log is a partition, too. */
export interface ReplicaFacts {
  readonly nodeId: number;
  readonly topic: string;
  readonly partition: number;
}

/** Told by who plays a role in an epoch. */
export interface RoleFacts extends ReplicaFacts {
  readonly leaderEpoch: number;
}

/**
 * Told at the moment at which it becomes true, before anybody outside can know. Offsets and epochs only, and the bytes of a
 * batch for as long as the call lasts.
 */
export interface BrokerObserver {
  /** A life of a log begins: this is what recovery found. */
  logOpened?(
    facts: ReplicaFacts & { readonly logStartOffset: number; readonly logEndOffset: number },
  ): void;
  /** Appended in memory; `batch` has its final base offset and epoch, and is valid during the call. */
  logAppended?(
    facts: ReplicaFacts & {
      readonly baseOffset: number;
      readonly nextOffset: number;
      readonly batch: Uint8Array;
    },
  ): void;
  /** As durable as its flush policy promises. */
  logFlushed?(facts: ReplicaFacts & { readonly flushedOffset: number }): void;
  /** For good: everything from `toOffset` on is gone. `highWatermark` is what it was before. */
  logTruncated?(
    facts: ReplicaFacts & { readonly toOffset: number; readonly highWatermark: number },
  ): void;
  /** All of it is gone, and it begins anew at this offset. */
  logBegunAnew?(facts: ReplicaFacts & { readonly atOffset: number }): void;
  /** This node leads from now on, by what the metadata or the quorum has told it. */
  leaderBecame?(facts: RoleFacts & { readonly logEndOffset: number }): void;
  highWatermarkMoved?(
    facts: RoleFacts & { readonly highWatermark: number; readonly isLeader: boolean },
  ): void;
  /** A produce with acks=all was answered without an error up to this offset. */
  acknowledged?(
    facts: RoleFacts & {
      readonly nextOffset: number;
      readonly isr: readonly number[];
      readonly minInsyncReplicas: number;
    },
  ): void;
  /** This node's metadata says so, as committed. */
  isrChanged?(
    facts: RoleFacts & {
      readonly partitionEpoch: number;
      /** -1: none. */
      readonly leader: number;
      readonly isr: readonly number[];
      readonly elr: readonly number[];
      /** The leader was elected without being sure to hold everything. */
      readonly isUnclean: boolean;
    },
  ): void;
  /** This node's image has all of the metadata before this offset. */
  metadataApplied?(facts: { readonly nodeId: number; readonly offset: number }): void;
  topicDeleted?(facts: { readonly nodeId: number; readonly topic: string }): void;
  /** The vote is on the disk. */
  voteGranted?(facts: {
    readonly nodeId: number;
    readonly incarnation: string;
    readonly epoch: number;
    readonly candidateId: number;
  }): void;
}

export interface Probe {
  readonly mutants?: Mutants;
  readonly observer?: BrokerObserver;
}

/** What one log tells: who it is was said when it was bound. */
export interface LogObserver {
  opened(logStartOffset: number, logEndOffset: number): void;
  appended(baseOffset: number, nextOffset: number, batch: Uint8Array): void;
  flushed(flushedOffset: number): void;
  truncated(toOffset: number, highWatermark: number): void;
  begunAnew(atOffset: number): void;
}

export const observerOfLog = (observer: BrokerObserver, of: ReplicaFacts): LogObserver => {
  const { nodeId, topic, partition } = of;
  return {
    opened: (logStartOffset, logEndOffset) =>
      observer.logOpened?.({ nodeId, topic, partition, logStartOffset, logEndOffset }),
    appended: (baseOffset, nextOffset, batch) =>
      observer.logAppended?.({ nodeId, topic, partition, baseOffset, nextOffset, batch }),
    flushed: (flushedOffset) => observer.logFlushed?.({ nodeId, topic, partition, flushedOffset }),
    truncated: (toOffset, highWatermark) =>
      observer.logTruncated?.({ nodeId, topic, partition, toOffset, highWatermark }),
    begunAnew: (atOffset) => observer.logBegunAnew?.({ nodeId, topic, partition, atOffset }),
  };
};
