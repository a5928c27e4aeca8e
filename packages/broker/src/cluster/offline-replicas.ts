/**
 * Tells the controller of replicas whose log has failed or is damaged, and of those that began anew since
 * (AssignReplicasToDirs, KIP-858). What is to be told follows from what the metadata says and what is so: it is told until the
 * metadata says it too, to whichever controller there is, and again after this broker had to register anew.
 */
import type { Clock, Logger, TimerHandle } from '@odradek/ports';
import { ErrorCode, type NodeId, type Uuid } from '@odradek/protocol';
import { offlineOf, type PartitionReplica, type ReplicaKey } from '@odradek/replication';
import { LOST_DIRECTORY } from '../controller/replica-directories.ts';
import type { MetadataImage } from '../metadata/image.ts';
import { ASSIGN_REPLICAS_TO_DIRS } from './controller-apis.ts';
import type { ControllerDoor } from './controller-door.ts';

const TIMEOUT_MS = 5_000;
/** Until the metadata says what was told. */
const REPEAT_INTERVAL_MS = 100;
/** While it says so: a registration makes it forget. */
const WATCH_INTERVAL_MS = 1_000;

export interface OfflineReplicasOptions {
  readonly nodeId: NodeId;
  readonly brokerEpoch: () => number;
  /** This broker's own directory. */
  readonly directory: () => Uuid;
  readonly door: Pick<ControllerDoor, 'ask'>;
  readonly image: MetadataImage;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Watched {
  readonly key: ReplicaKey;
  readonly replica: PartitionReplica;
}

export class OfflineReplicas {
  readonly #options: OfflineReplicasOptions;
  readonly #watched = new Map<string, Watched>();
  #timer: TimerHandle | undefined;
  #isTelling = false;
  #isStopped = false;

  constructor(options: OfflineReplicasOptions) {
    this.#options = options;
  }

  /** The replica went offline. */
  watch(key: ReplicaKey, replica: PartitionReplica): void {
    this.#watched.set(`${key.topicId}:${key.partition}`, { key, replica });
    this.#lookIn(0);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    if (this.#isStopped || this.#isTelling) return;
    const { clock } = this.#options;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    const { directory, brokerEpoch, logger } = this.#options;
    const { lost, found } = this.#news();
    const isNews = lost.length > 0 || found.length > 0;
    if (isNews && brokerEpoch() >= 0) {
      this.#isTelling = true;
      try {
        await this.#tell([
          ...directoriesOf(LOST_DIRECTORY, lost),
          ...directoriesOf(directory(), found),
        ]);
      } catch (error) {
        logger.debug('the controller could not be told of replicas that are offline', { error });
      } finally {
        this.#isTelling = false;
      }
    }
    if (this.#watched.size > 0) this.#lookIn(isNews ? REPEAT_INTERVAL_MS : WATCH_INTERVAL_MS);
  }

  #news(): { lost: readonly ReplicaKey[]; found: readonly ReplicaKey[] } {
    const { image, nodeId } = this.#options;
    const lost: ReplicaKey[] = [];
    const found: ReplicaKey[] = [];
    for (const [id, { key, replica }] of this.#watched) {
      const assignment = image.topicsById.get(key.topicId as Uuid)?.partitions[key.partition];
      const isKnown = assignment !== undefined && offlineOf(assignment).includes(nodeId);
      const isOffline = replica.role === 'offline';
      if (assignment?.replicas.includes(nodeId) !== true) {
        // Gone, or not heard of yet.
        if (!isOffline) this.#watched.delete(id);
      } else if (isOffline && !isKnown) lost.push(key);
      else if (!isOffline && isKnown) {
        // One that is being closed has no role: there is nothing to say of it.
        if (replica.role !== 'loading') found.push(key);
      } else if (!isOffline) this.#watched.delete(id);
    }
    return { lost, found };
  }

  async #tell(directories: ReturnType<typeof directoriesOf>): Promise<void> {
    const { nodeId, brokerEpoch, door, logger } = this.#options;
    const { errorCode } = await door.ask(
      ASSIGN_REPLICAS_TO_DIRS,
      { brokerId: nodeId, brokerEpoch: brokerEpoch(), directories },
      TIMEOUT_MS,
    );
    if (errorCode !== ErrorCode.NONE)
      logger.debug('the controller does not hear of replicas that are offline', { errorCode });
  }
}

const directoriesOf = (id: Uuid, keys: readonly ReplicaKey[]) => {
  if (keys.length === 0) return [];
  const byTopic = new Map<string, { partitionIndex: number }[]>();
  for (const { topicId, partition } of keys) {
    const known = byTopic.get(topicId);
    if (known === undefined) byTopic.set(topicId, [{ partitionIndex: partition }]);
    else known.push({ partitionIndex: partition });
  }
  const topics = [...byTopic].map(([topicId, partitions]) => ({
    topicId: topicId as Uuid,
    partitions,
  }));
  return [{ id, topics }];
};
