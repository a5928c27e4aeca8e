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
  // Those that replication and quorum name themselves: "replication.zombieLeader", "quorum.lostVote".
  | `replication.${string}`
  | `quorum.${string}`;

export interface Mutants {
  has(name: MutantName): boolean;
}

export const NO_MUTANTS: Mutants = { has: () => false };

/** A partition and who speaks of it. The metadata log is a partition, too. */
export interface ReplicaFacts {
  readonly nodeId: number;
  readonly topic: string;
  readonly partition: number;
  /** 0 where there is none yet. */
  readonly leaderEpoch: number;
}

/**
 * Told at the moment at which it becomes true, before anybody outside can know. Offsets and epochs only: the observer reads
 * bytes by `read` if it wants them.
 */
export interface BrokerObserver {
  /** This node leads from now on, by what the metadata or the quorum has told it. */
  leaderBecame?(facts: ReplicaFacts): void;
  highWatermarkMoved?(facts: ReplicaFacts & { readonly highWatermark: number }): void;
  /** The log was cut: everything from `toOffset` on is gone. */
  logTruncated?(
    facts: ReplicaFacts & { readonly toOffset: number; readonly highWatermark: number },
  ): void;
  /** Appended in memory; `batch` has its final base offset and epoch, and is valid during the call. */
  logAppended?(
    facts: ReplicaFacts & { readonly baseOffset: number; readonly batch: Uint8Array },
  ): void;
  /** A produce with acks=all was answered without an error up to this offset. */
  acknowledged?(
    facts: ReplicaFacts & { readonly nextOffset: number; readonly isr: readonly number[] },
  ): void;
  /** The metadata says so, as committed. */
  isrChanged?(
    facts: ReplicaFacts & { readonly isr: readonly number[]; readonly partitionEpoch: number },
  ): void;
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
