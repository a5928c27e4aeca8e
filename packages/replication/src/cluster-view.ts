/** What a replica knows of the cluster, and what it may ask of the controller. A shell or a simulator stands behind it. */
import type { BrokerObserver, Clock } from '@odradek/ports';
import type { ErrorCode, LeaderEpoch, NodeId, Uuid } from '@odradek/protocol';
import type { ReplicationMutant } from './mutants.ts';

/** Another broker, as this one's metadata has it. */
export interface PeerBroker {
  readonly brokerEpoch: number;
  readonly isFenced: boolean;
  readonly isShuttingDown: boolean;
  readonly rack: string | null;
}

/** A change of the ISR that the leader wishes (AlterPartition, KIP-497). */
export interface IsrProposal {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly leaderEpoch: LeaderEpoch;
  /** The registration that it was decided on: the controller refuses it when that has changed. */
  readonly partitionEpoch: number;
  /** With their broker epochs (KIP-903); -1 is not checked. */
  readonly isr: readonly { readonly brokerId: NodeId; readonly brokerEpoch: number }[];
}

export type IsrAnswer =
  /** The registration as it is now. */
  | {
      readonly errorCode: typeof ErrorCode.NONE;
      readonly leader: NodeId;
      readonly leaderEpoch: LeaderEpoch;
      readonly isr: readonly NodeId[];
      readonly partitionEpoch: number;
    }
  | {
      readonly errorCode: Exclude<ErrorCode, typeof ErrorCode.NONE>;
      /** Nobody knows whether the controller got it: no answer came. */
      readonly isAmbiguous: boolean;
    };

export interface ReplicaCluster {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Undefined: not registered. */
  broker(nodeId: NodeId): PeerBroker | undefined;
  /** `replica.lag.time.max.ms` */
  lagTimeMaxMs(): number;
  /** Sends it, retries and all; `answered` is called once, never before this returns. */
  proposeIsr(proposal: IsrProposal, answered: (answer: IsrAnswer) => void): void;
  /** Of a simulation; see mutants.ts. */
  readonly mutant?: ReplicationMutant | undefined;
  readonly observer?: BrokerObserver | undefined;
}

/** Of a broker that has no peers. */
export const ALONE: ReplicaCluster = {
  clock: { monotonicMs: () => 0 },
  broker: () => undefined,
  lagTimeMaxMs: () => 0,
  proposeIsr: () => {
    throw new Error('a broker without peers has no ISR to change');
  },
};
