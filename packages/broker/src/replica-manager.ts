/**
 * The partition replicas of this broker: one machine and one PartitionReplica each, made and unmade as the metadata image
 * says. It opens, closes and deletes their logs, keeps the checkpoints that lie beside them, and carries out what is noted
 * under /deletions. It never removes a folder because the image does not know it: that is reported as stray and left.
 */
import {
  decodeOffsetCheckpoints,
  decodePartitionMetadata,
  encodeOffsetCheckpoints,
  folderOf,
  type LogOptions,
  type OffsetCheckpoint,
  type PartitionLog,
} from '@odradek/log';
import type { Clock, FileEntry, Logger, Volume } from '@odradek/ports';
import { ErrorCode, type NodeId, type Offset, type Uuid } from '@odradek/protocol';
import {
  PartitionReplica,
  partitionReplicaMachine,
  type PartitionAssignment,
  type ReplicaKey,
} from '@odradek/replication';
import { createActor, fromPromise, waitFor, type ActorRefFrom } from 'xstate';
import type { ImageDelta, MetadataImage, PendingDeletion, TopicImage } from './metadata/image.ts';
import type { Settings } from './settings.ts';

/** Logs that are opened at once: more gains nothing from one disk and takes memory. */
const OPENING_AT_ONCE_MAX = 64;

const RECOVERY_POINTS = 'recovery-point-offset-checkpoint';
const LOG_STARTS = 'log-start-offset-checkpoint';
const HIGH_WATERMARKS = 'replication-offset-checkpoint';
const FIRST_DIRTY = 'cleaner-offset-checkpoint';

/** Of one log, what its owner keeps. */
export type LogToOpen = Pick<
  LogOptions,
  'topic' | 'partition' | 'topicId' | 'files' | 'recoveryPoint' | 'logStartOffset' | 'firstDirtyOffset'
>;

export interface ReplicaManagerOptions {
  readonly nodeId: NodeId;
  readonly volume: Volume;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly image: MetadataImage;
  readonly settings: Settings;
  readonly openLog: (log: LogToOpen) => Promise<PartitionLog>;
  /** The role of a partition changed here: coordinators listen for their own topics. */
  readonly onRoleChange: (topic: string, partition: number, replica: PartitionReplica) => void;
  readonly onDeleted: (deletion: PendingDeletion) => void;
}

interface Hosted {
  readonly key: ReplicaKey;
  readonly replica: PartitionReplica;
  readonly actor: ActorRefFrom<typeof partitionReplicaMachine>;
  opening: Promise<void> | undefined;
}

const idOf = (topic: string, partition: number): string => `${topic}-${partition}`;

export class ReplicaManager {
  readonly #options: ReplicaManagerOptions;
  readonly #machine: typeof partitionReplicaMachine;
  readonly #hosted = new Map<string, Hosted>();
  /** Replicas that are being deleted: a new topic of the same name waits for their files to go. */
  readonly #leaving = new Map<string, Hosted>();
  /** During recovery, which lists all folders at once; undefined afterwards: a log that is opened later looks for itself. */
  #filesByFolder: Map<string, FileEntry[]> | undefined;
  /** What the checkpoints say of logs that are not open: it holds for as long as they could not be opened. */
  #recoveryPoints = new Map<string, Offset>();
  #logStarts = new Map<string, Offset>();
  #firstDirty = new Map<string, Offset>();
  readonly #rewriting: { current: Promise<void>; next: Promise<void> | undefined } = { current: Promise.resolve(), next: undefined };
  #hasFailedToClose = false;
  /** What the checkpoint files hold, to write only news. */
  readonly #written = new Map<string, Uint8Array>();
  #openingCount = 0;
  readonly #openingQueue: (() => void)[] = [];
  #isClosing = false;

  constructor(options: ReplicaManagerOptions) {
    this.#options = options;
    this.#machine = this.#provide();
  }

  get(topic: string, partition: number): PartitionReplica | undefined {
    return this.#hosted.get(idOf(topic, partition))?.replica;
  }

  *all(): Iterable<{ topic: string; partition: number; replica: PartitionReplica; log: PartitionLog | undefined }> {
    for (const { key, replica } of this.#hosted.values()) {
      yield { topic: key.topic, partition: key.partition, replica, log: replica.log };
    }
  }

  get size(): number {
    return this.#hosted.size;
  }

  offlineAmong(topic: string, partition: number, replicas: readonly NodeId[]): NodeId[] {
    const isOffline = this.get(topic, partition)?.role === 'offline';
    return replicas.filter((it) => {
      if (it === this.#options.nodeId) return isOffline;
      const broker = this.#options.image.brokers.get(it);
      return broker === undefined || broker.fenced;
    });
  }

  /** Reads the checkpoints and lists the folders; then opens every replica that the image places here, and waits for all. */
  async recover(): Promise<void> {
    const { volume, image } = this.#options;
    this.#recoveryPoints = await this.#readCheckpoint(RECOVERY_POINTS);
    this.#logStarts = await this.#readCheckpoint(LOG_STARTS);
    this.#firstDirty = await this.#readCheckpoint(FIRST_DIRTY);
    const filesByFolder = byFolder(await volume.list(''));
    const deletions = await this.#finishDeletions(filesByFolder);
    this.#filesByFolder = filesByFolder;
    for (const topic of image.topics.values()) this.#host(topic);
    this.#reportStrays(filesByFolder);
    this.#filesByFolder = undefined;
    await this.#allSettled();
    if (deletions.length > 0) await this.#rewriteCheckpoints();
    for (const deletion of deletions) this.#options.onDeleted(deletion);
  }

  /** The committed image moved on. */
  apply(delta: ImageDelta): void {
    const { image, settings } = this.#options;
    for (const { name, topicId } of delta.deletedTopics) this.#unhost(name, topicId);
    for (const name of delta.topics) {
      const topic = image.topics.get(name);
      if (topic !== undefined) this.#host(topic);
    }
    const changed = delta.brokerConfigs.size > 0 ? image.topics.keys() : delta.topicConfigs;
    for (const name of changed) {
      const topic = image.topics.get(name);
      if (topic === undefined) continue;
      const config = settings.logConfig(name);
      const replicaSettings = settings.replicaSettings(name);
      topic.partitions.forEach((_, partition) => {
        const hosted = this.#hosted.get(idOf(name, partition));
        if (hosted === undefined) return;
        hosted.replica.settings = replicaSettings;
        hosted.replica.log?.updateConfig(config);
      });
    }
  }

  /** Waits until this broker's replicas of the topic have a role, or the time is up. */
  async whenSettled(topic: string, timeoutMs: number): Promise<void> {
    const waits: Promise<unknown>[] = [];
    this.#options.image.topics.get(topic)?.partitions.forEach((_, partition) => {
      const hosted = this.#hosted.get(idOf(topic, partition));
      if (hosted === undefined || hosted.actor.getSnapshot().hasTag('settled')) return;
      // One that is deleted meanwhile never settles: nobody waits for it any more.
      waits.push(waitFor(hosted.actor, (it) => it.hasTag('settled')).catch(() => {}));
    });
    if (waits.length === 0) return;
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(resolve, Math.max(0, timeoutMs));
      void Promise.all(waits).then(() => {
        clock.clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Writes how far each log is known to be flushed, and cleaned. Cheap to lose: recovery then reads more. */
  async checkpointRecoveryPoints(): Promise<void> {
    await this.#writeCheckpoint(RECOVERY_POINTS, this.#recoveryPoints, (log) => log.recoveryPoint);
    await this.#writeCheckpoint(FIRST_DIRTY, this.#firstDirty, (log) => log.firstDirtyOffset);
  }

  async checkpointHighWatermarks(): Promise<void> {
    await this.#writeCheckpoint(HIGH_WATERMARKS, new Map(), (log) => log.highWatermark);
  }

  /** Records that were deleted must not come back after a crash. */
  async checkpointLogStarts(): Promise<void> {
    await this.#writeCheckpoint(LOG_STARTS, this.#logStarts, (log) => log.logStartOffset);
  }

  /** Closes every log; when all of them could be closed in order, the next start needs no recovery. */
  async close(): Promise<{ isClean: boolean }> {
    this.#isClosing = true;
    const all = [...this.#hosted.values()];
    const wasOffline = all.some((it) => it.replica.role === 'offline');
    this.#hasFailedToClose = false;
    for (const { replica } of all) replica.retire(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    await this.checkpointLogStarts();
    for (const { actor } of all) actor.send({ type: 'close.requested', clean: true });
    await Promise.all(all.map(({ actor }) => waitFor(actor, (it) => it.status !== 'active')));
    const isClean = !wasOffline && !this.#hasFailedToClose;
    if (isClean) {
      await this.checkpointRecoveryPoints();
      await this.checkpointHighWatermarks();
    }
    return { isClean };
  }

  #host(topic: TopicImage): void {
    topic.partitions.forEach((assignment, partition) => {
      if (!assignment.replicas.includes(this.#options.nodeId)) return;
      const known = this.#hosted.get(idOf(topic.name, partition));
      if (known !== undefined) known.actor.send({ type: 'leadership.assigned', assignment });
      else this.#start(topic, partition, assignment);
    });
  }

  #start(topic: TopicImage, partition: number, assignment: PartitionAssignment): void {
    if (this.#isClosing) return;
    const { nodeId, clock, settings } = this.#options;
    const key: ReplicaKey = { topic: topic.name, topicId: topic.topicId, partition };
    const replica = new PartitionReplica({
      topic: topic.name,
      partition,
      nodeId,
      settings: settings.replicaSettings(topic.name),
    });
    const actor = createActor(this.#machine, { input: { key, nodeId, assignment }, clock });
    const id = idOf(topic.name, partition);
    this.#hosted.set(id, { key, replica, actor, opening: undefined });
    // Replicas are roots of their own: spawned one by one under a parent they would cost quadratic time (measured).
    actor.start();
  }

  #unhost(topic: string, topicId: string): void {
    for (const [id, hosted] of this.#hosted) {
      if (hosted.key.topic !== topic || hosted.key.topicId !== topicId) continue;
      this.#hosted.delete(id);
      this.#leaving.set(id, hosted);
      hosted.replica.retire(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      hosted.actor.subscribe({
        next: (snapshot) => {
          if (snapshot.matches('deletionFailed')) {
            this.#options.logger.error('files of a deleted partition could not be removed; the next start tries again', {
              ...hosted.key,
            });
          }
        },
        complete: () => {
          this.#leaving.delete(id);
          const others = [...this.#leaving.values()].some((it) => it.key.topicId === topicId);
          const deletion = this.#options.image.deletions.get(`${this.#options.nodeId}/${topicId}`);
          if (!others && deletion !== undefined && hosted.actor.getSnapshot().matches('deleted')) {
            this.#options.onDeleted(deletion);
          }
        },
      });
      hosted.actor.send({ type: 'deletion.requested' });
    }
  }

  /** What a deletion before the last stop left over. */
  async #finishDeletions(filesByFolder: Map<string, FileEntry[]>): Promise<readonly PendingDeletion[]> {
    const { image, nodeId, volume, logger } = this.#options;
    const own = `${nodeId}/`;
    const finished: PendingDeletion[] = [];
    for (const [path, deletion] of image.deletions) {
      if (!path.startsWith(own)) continue;
      try {
        for (const partition of deletion.partitions) {
          this.#forget(idOf(deletion.topic, partition));
          const folder = folderOf(deletion.topic, partition);
          const metadata = await volume.readSmall(`${folder}/partition.metadata`);
          // A topic of the same name may have been made since: its folder is not ours to remove.
          const isOther = image.topics.has(deletion.topic) && metadata === undefined;
          if (isOther || (metadata !== undefined && !belongsTo(metadata, deletion.topicId))) continue;
          for (const { name } of filesByFolder.get(folder) ?? []) await volume.remove(name);
          filesByFolder.delete(folder);
        }
        finished.push(deletion);
      } catch (error) {
        logger.error('files of a deleted topic could not be removed', { topic: deletion.topic, error });
      }
    }
    return finished;
  }

  #reportStrays(filesByFolder: ReadonlyMap<string, unknown>): void {
    for (const folder of filesByFolder.keys()) {
      const match = /^(.+)-(\d+)$/.exec(folder);
      if (match === null || folder.startsWith('__cluster_metadata-')) continue;
      if (this.#hosted.has(idOf(match[1]!, Number(match[2])))) continue;
      this.#options.logger.warn('a partition folder that the metadata does not know was left alone', { folder });
    }
  }

  #provide(): typeof partitionReplicaMachine {
    const hostedOf = (key: ReplicaKey): Hosted => {
      const id = idOf(key.topic, key.partition);
      const hosted = [this.#hosted.get(id), this.#leaving.get(id)].find((it) => it?.key.topicId === key.topicId);
      if (hosted === undefined) throw new Error(`no replica ${id} of topic ${key.topicId}`);
      return hosted;
    };
    return partitionReplicaMachine.provide({
      actors: {
        openLog: fromPromise(({ input }) => {
          const hosted = hostedOf(input);
          return (hosted.opening ??= this.#open(hosted));
        }),
        closeLog: fromPromise(async ({ input }) => {
          try {
            await hostedOf(input.key).replica.log?.close({ clean: input.clean });
          } catch (error) {
            this.#hasFailedToClose = true;
            this.#options.logger.error('a log could not be closed in order: the next start repairs it', { ...input.key, error });
            throw error;
          }
        }),
        deleteLog: fromPromise(async ({ input }) => {
          const { log } = hostedOf(input).replica;
          if (log === undefined) await this.#removeUnopened(input);
          else await log.delete();
          this.#forget(idOf(input.topic, input.partition));
          await this.#rewriteCheckpoints();
        }),
      },
      actions: {
        lead: (_, { key, assignment }) => {
          const { replica } = hostedOf(key);
          replica.lead(assignment!);
          this.#options.onRoleChange(key.topic, key.partition, replica);
        },
        follow: (_, { key, assignment }) => {
          const { replica } = hostedOf(key);
          replica.follow(assignment!);
          this.#options.onRoleChange(key.topic, key.partition, replica);
        },
        goOffline: (_, { key, reason }) => {
          const { replica } = hostedOf(key);
          replica.goOffline(reason ?? 'unknown');
          this.#options.logger.error(`partition ${key.topic}-${key.partition} is offline: ${reason}`);
          this.#options.onRoleChange(key.topic, key.partition, replica);
        },
      },
    });
  }

  async #open(hosted: Hosted): Promise<void> {
    const { key, replica, actor } = hosted;
    const id = idOf(key.topic, key.partition);
    const folder = folderOf(key.topic, key.partition);
    const files = this.#filesByFolder && (this.#filesByFolder.get(folder) ?? []);
    await this.#untilGone(id);
    await this.#takeOpening();
    try {
      const log = await this.#options.openLog({
        topic: key.topic,
        partition: key.partition,
        topicId: key.topicId as Uuid,
        files,
        recoveryPoint: this.#recoveryPoints.get(id),
        logStartOffset: this.#logStarts.get(id),
        firstDirtyOffset: this.#firstDirty.get(id),
      });
      log.onFailed = (error) => actor.send({ type: 'log.failed', reason: error.message });
      replica.attach(log);
      this.#forget(id);
    } finally {
      this.#openingCount -= 1;
      this.#openingQueue.shift()?.();
    }
  }

  /** The files of a log that could not be opened. Those of another topic, which stand in its place, stay. */
  async #removeUnopened({ topic, topicId, partition }: ReplicaKey): Promise<void> {
    const { volume } = this.#options;
    const folder = folderOf(topic, partition);
    const last = `${folder}/partition.metadata`;
    const metadata = await volume.readSmall(last);
    const owner = metadata === undefined ? undefined : decodePartitionMetadata(metadata);
    if (owner !== undefined && owner !== topicId) return;
    for (const { name } of await volume.list(`${folder}/`)) if (name !== last) await volume.remove(name);
    await volume.remove(last);
  }

  #forget(id: string): void {
    this.#recoveryPoints.delete(id);
    this.#logStarts.delete(id);
    this.#firstDirty.delete(id);
  }

  /**
   * After a deletion, before a topic of the same name may begin: what was noted of the old log must not be held against the
   * new one, which would be taken for one that had lost its records. Deletions that end while one is written share the next.
   */
  #rewriteCheckpoints(): Promise<void> {
    const queue = this.#rewriting;
    queue.next ??= queue.current
      .catch(() => {})
      .then(() => {
        queue.current = queue.next!;
        queue.next = undefined;
        return this.checkpointLogStarts();
      })
      .then(() => this.checkpointRecoveryPoints());
    return queue.next;
  }

  async #takeOpening(): Promise<void> {
    while (this.#openingCount >= OPENING_AT_ONCE_MAX) {
      await new Promise<void>((resolve) => this.#openingQueue.push(resolve));
    }
    this.#openingCount += 1;
  }

  async #untilGone(id: string): Promise<void> {
    const leaving = this.#leaving.get(id);
    if (leaving !== undefined) await waitFor(leaving.actor, (it) => it.status !== 'active');
  }

  async #allSettled(): Promise<void> {
    await Promise.all([...this.#hosted.values()].map(({ actor }) => waitFor(actor, (it) => it.hasTag('settled'))));
  }

  async #readCheckpoint(name: string): Promise<Map<string, Offset>> {
    const bytes = await this.#options.volume.readSmall(name);
    const entries = bytes === undefined ? [] : decodeOffsetCheckpoints(bytes);
    if (entries === undefined) this.#options.logger.warn(`${name} cannot be read: logs are recovered from their start`);
    return new Map((entries ?? []).map((it) => [idOf(it.topic, it.partition), it.offset]));
  }

  /** Writes the file when it would say something new. */
  async #writeCheckpoint(
    name: string,
    ofUnopened: ReadonlyMap<string, Offset>,
    offsetOf: (log: PartitionLog) => Offset,
  ): Promise<void> {
    const entries: OffsetCheckpoint[] = [];
    for (const { topic, partition, log } of this.all()) {
      const offset = log === undefined ? ofUnopened.get(idOf(topic, partition)) : offsetOf(log);
      if (offset !== undefined) entries.push({ topic, partition, offset });
    }
    const bytes = encodeOffsetCheckpoints(entries);
    const known = this.#written.get(name);
    if (known !== undefined && isSame(known, bytes)) return;
    await this.#options.volume.replace(name, bytes);
    this.#written.set(name, bytes);
  }
}

const byFolder = (entries: readonly FileEntry[]): Map<string, FileEntry[]> => {
  const folders = new Map<string, FileEntry[]>();
  for (const entry of entries) {
    const slash = entry.name.indexOf('/');
    if (slash < 0) continue;
    const folder = entry.name.slice(0, slash);
    const files = folders.get(folder);
    if (files === undefined) folders.set(folder, [entry]);
    else files.push(entry);
  }
  return folders;
};

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);

const belongsTo = (metadata: Uint8Array, topicId: string): boolean => decodePartitionMetadata(metadata) === topicId;
