/**
 * The partition replicas of this broker: one machine and one PartitionReplica each, made and unmade as the metadata image
 * says. It opens, closes and deletes their logs, keeps the checkpoints that lie beside them, and carries out what is noted
 * under /deletions. It never removes a folder because the image does not know it: that is reported as stray and left.
 */
import {
  folderOf,
  type LogCorruptError,
  type LogEnd,
  type LogOptions,
  type PartitionLog,
} from '@odradek/log';
import type { Clock, Crc32c, FileEntry, Logger, Volume } from '@odradek/ports';
import { ErrorCode, type LeaderEpoch, type NodeId, type Uuid } from '@odradek/protocol';
import {
  PartitionReplica,
  isDamage,
  offlineOf,
  partitionReplicaMachine,
  type PartitionAssignment,
  type ReplicaKey,
  type Truncation,
} from '@odradek/replication';
import { createActor, fromPromise, waitFor, type ActorRefFrom } from 'xstate';
import type { Replication } from './cluster/replication.ts';
import type { ImageDelta, MetadataImage, PendingDeletion, TopicImage } from './metadata/image.ts';
import { finishDeletions, reportStrays } from './replicas/leftovers.ts';
import { logInfoOf, type LogInfo } from './replicas/log-info.ts';
import { Openings } from './replicas/openings.ts';
import { PartitionFolders, byFolder } from './replicas/partition-folders.ts';
import { ReplicaCheckpoints, idOf } from './replicas/replica-checkpoints.ts';
import {
  asideFolderOf,
  finishSettingAside,
  isSetAside,
  removeAside,
  setLogAside,
} from './replicas/set-aside.ts';
import type { Settings } from './settings.ts';

/** Of one log, what its owner keeps. */
export type LogToOpen = Pick<
  LogOptions,
  | 'topic'
  | 'partition'
  | 'topicId'
  | 'files'
  | 'recoveryPoint'
  | 'logStartOffset'
  | 'firstDirtyOffset'
  | 'leaderEpochMax'
>;

export interface ReplicaManagerOptions {
  readonly nodeId: NodeId;
  readonly volume: Volume;
  readonly clock: Clock;
  readonly crc32c: Crc32c;
  readonly logger: Logger;
  readonly image: MetadataImage;
  readonly settings: Settings;
  readonly openLog: (log: LogToOpen) => Promise<PartitionLog>;
  /** The role of a partition changed here: coordinators listen for their own topics. */
  readonly onRoleChange: (topic: string, partition: number, replica: PartitionReplica) => void;
  readonly onDeleted: (deletion: PendingDeletion) => void;
  /** Where there are other brokers. */
  readonly replication?: () => Replication | undefined;
}

interface Hosted {
  readonly key: ReplicaKey;
  readonly replica: PartitionReplica;
  readonly actor: ActorRefFrom<typeof partitionReplicaMachine>;
  opening: Promise<void> | undefined;
  settingAside: Promise<void> | undefined;
  /** Where a damaged log ends nevertheless. */
  damagedEnd: LogEnd | undefined;
  /** It began with nothing in this life of the broker. */
  isAnew: boolean;
}

export class ReplicaManager {
  readonly #options: ReplicaManagerOptions;
  readonly #machine: typeof partitionReplicaMachine;
  readonly #hosted = new Map<string, Hosted>();
  /** The same, by topic and partition: asked for each produce and fetch of a partition. */
  readonly #byTopic = new Map<string, (PartitionReplica | undefined)[]>();
  /** Replicas that are being deleted: a new topic of the same name waits for their files to go. A name may leave twice. */
  readonly #leaving = new Set<Hosted>();
  /** Ids of topics of which some partition's files could not be removed: the note of the deletion stays for the next start. */
  readonly #undeleted = new Set<string>();
  /** During recovery, which lists all folders at once; undefined afterwards: a log that is opened later looks for itself. */
  #filesByFolder: Map<string, FileEntry[]> | undefined;
  readonly #checkpoints: ReplicaCheckpoints;
  readonly #folders: PartitionFolders;
  readonly #openings = new Openings();
  #isClosing = false;
  /** Every replica of the image is hosted and was opened, or could not be. Before that nothing is known that could be noted. */
  #isRecovered = false;

  constructor(options: ReplicaManagerOptions) {
    this.#options = options;
    this.#checkpoints = new ReplicaCheckpoints({ ...options, hosted: () => this.all() });
    this.#folders = new PartitionFolders(options.volume);
    this.#machine = this.#provide();
  }

  checkpointRecoveryPoints(): Promise<void> {
    return this.#checkpoints.writeRecoveryPoints();
  }

  checkpointHighWatermarks(): Promise<void> {
    return this.#checkpoints.writeHighWatermarks();
  }

  checkpointLogStarts(): Promise<void> {
    return this.#checkpoints.writeLogStarts();
  }

  get(topic: string, partition: number): PartitionReplica | undefined {
    return this.#byTopic.get(topic)?.[partition];
  }

  *all(): Iterable<{
    topic: string;
    partition: number;
    replica: PartitionReplica;
    log: PartitionLog | undefined;
  }> {
    for (const { key, replica } of this.#hosted.values()) {
      yield { topic: key.topic, partition: key.partition, replica, log: replica.log };
    }
  }

  get size(): number {
    return this.#hosted.size;
  }

  offlineAmong(topic: string, partition: number, replicas: readonly NodeId[]): NodeId[] {
    const isOffline = this.get(topic, partition)?.role === 'offline';
    const assignment = this.#options.image.partition(topic, partition);
    return replicas.filter((it) => {
      if (it === this.#options.nodeId) return isOffline;
      if (assignment !== undefined && offlineOf(assignment).includes(it)) return true;
      const broker = this.#options.image.brokers.get(it);
      return broker === undefined || broker.fenced;
    });
  }

  /**
   * What nobody but a person can mend. A damaged replica of others that have everything is the cluster's own affair.
   */
  *offline(): Iterable<ReplicaKey> {
    for (const { key, replica, actor } of this.#hosted.values()) {
      if (replica.role !== 'offline') continue;
      const { isDamaged, assignment } = actor.getSnapshot().context;
      if (!isDamaged || assignment === null || assignment.replicas.length === 1) yield key;
    }
  }

  /** What a replica's log holds; undefined while it is not open, and when it failed without being damaged. */
  logInfo(topicId: Uuid, partition: number): LogInfo | undefined {
    const topic = this.#options.image.topicsById.get(topicId);
    const hosted = topic && this.#hosted.get(idOf(topic.name, partition));
    if (hosted?.key.topicId !== topicId) return undefined;
    const { isDamaged } = hosted.actor.getSnapshot().context;
    return logInfoOf(hosted.replica, { ...hosted, isDamaged });
  }

  /** Reads the checkpoints and lists the folders; then opens every replica that the image places here, and waits for all. */
  async recover(): Promise<void> {
    const { volume, image } = this.#options;
    await this.#checkpoints.read();
    const filesByFolder = byFolder(await volume.list(''));
    const deletions = await finishDeletions(
      { ...this.#options, folders: this.#folders, checkpoints: this.#checkpoints },
      filesByFolder,
    );
    this.#filesByFolder = filesByFolder;
    for (const topic of image.topics.values()) this.#host(topic);
    reportStrays(
      filesByFolder,
      (topic, partition) => this.#hosted.has(idOf(topic, partition)),
      this.#options.logger,
    );
    this.#filesByFolder = undefined;
    await this.#allSettled();
    if (deletions.length > 0) await this.#checkpoints.rewrite();
    this.#isRecovered = true;
    for (const deletion of deletions) this.#options.onDeleted(deletion);
  }

  /** What the image was told while the logs were opened. */
  refresh(): void {
    const { image } = this.#options;
    for (const { topic, topicId } of [...this.#hosted.values()].map((it) => it.key)) {
      if (image.topics.get(topic)?.topicId !== topicId) this.#unhost(topic, topicId);
    }
    for (const topic of image.topics.values()) this.#host(topic);
  }

  /** The committed image moved on. */
  apply(delta: ImageDelta): void {
    if (this.#isClosing) return;
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

  /** The log of a follower parts from its leader's. */
  diverged(key: ReplicaKey, leaderEpoch: LeaderEpoch, truncation: Truncation): void {
    const hosted = this.#hosted.get(idOf(key.topic, key.partition));
    if (hosted?.key.topicId !== key.topicId) return;
    hosted.actor.send({ type: 'divergence.found', leaderEpoch, truncation });
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

  /**
   * Closes every log. `isClean`: that was wished, and all of them were opened, served and closed in order, so that the next
   * start needs no recovery.
   */
  async close({ clean }: { clean: boolean }): Promise<{ isClean: boolean }> {
    this.#isClosing = true;
    const all = [...this.#hosted.values()];
    const offline = new Set(all.filter((it) => it.replica.role === 'offline'));
    for (const { replica } of all) replica.retire(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const areStartsNoted =
      clean && this.#isRecovered && (await this.#tried(this.checkpointLogStarts()));
    for (const it of all) {
      // A second close, after one that was cut short, finds some of them closed.
      if (it.actor.getSnapshot().status !== 'active') continue;
      it.actor.send({ type: 'close.requested', clean: clean && !offline.has(it) });
    }
    await Promise.all([...all, ...this.#leaving].map((it) => ended(it.actor)));
    const isClean =
      areStartsNoted &&
      offline.size === 0 &&
      all.every(({ actor }) => actor.getSnapshot().context.failure === null);
    if (isClean) {
      await this.checkpointRecoveryPoints();
      await this.checkpointHighWatermarks();
    }
    return { isClean };
  }

  async #tried(checkpoint: Promise<void>): Promise<boolean> {
    try {
      await checkpoint;
      return true;
    } catch (error) {
      this.#options.logger.error('a checkpoint could not be written while closing', { error });
      return false;
    }
  }

  #host(topic: TopicImage): void {
    topic.partitions.forEach((assignment, partition) => {
      const known = this.#hosted.get(idOf(topic.name, partition));
      if (!assignment.replicas.includes(this.#options.nodeId)) {
        // A reassignment has taken it off the list: the others have all of it.
        if (known?.key.topicId === topic.topicId) this.#dismiss(known);
        return;
      }
      if (known !== undefined) known.actor.send({ type: 'leadership.assigned', assignment });
      else this.#start(topic, partition, assignment);
    });
  }

  #start(topic: TopicImage, partition: number, assignment: PartitionAssignment): void {
    if (this.#isClosing) return;
    const { nodeId, clock, settings, logger } = this.#options;
    const replication = this.#options.replication?.();
    const key: ReplicaKey = { topic: topic.name, topicId: topic.topicId, partition };
    const report = reportingEachOnce(logger, key);
    const replica = new PartitionReplica({
      topic: topic.name,
      partition,
      nodeId,
      settings: settings.replicaSettings(topic.name),
      onReadFailed: (error) => {
        report(error);
        this.#readFailed(key, error);
      },
      ...(replication === undefined ? {} : { cluster: replication.cluster }),
    });
    const actor = createActor(this.#machine, { input: { key, nodeId, assignment }, clock });
    const id = idOf(topic.name, partition);
    this.#hosted.set(id, {
      key,
      replica,
      actor,
      opening: undefined,
      settingAside: undefined,
      damagedEnd: undefined,
      isAnew: false,
    });
    const siblings = this.#byTopic.get(topic.name);
    if (siblings === undefined) this.#byTopic.set(topic.name, placedAt(partition, replica));
    else siblings[partition] = replica;
    // Replicas are roots of their own: spawned one by one under a parent they would cost quadratic time (measured).
    actor.start();
  }

  /** Others may have what cannot be read here. */
  #readFailed(key: ReplicaKey, error: unknown): void {
    const hosted = this.#hosted.get(idOf(key.topic, key.partition));
    if (hosted?.key.topicId !== key.topicId || !isDamage(error)) return;
    const { log } = hosted.replica;
    if (log !== undefined) hosted.damagedEnd = { epoch: log.latestEpoch, offset: log.logEndOffset };
    // Not within what the reader does.
    void Promise.resolve().then(() =>
      hosted.actor.send({ type: 'damage.found', reason: (error as Error).message }),
    );
  }

  #dismiss(hosted: Hosted): void {
    const { topic, partition } = hosted.key;
    this.#hosted.delete(idOf(topic, partition));
    this.#byTopic.get(topic)?.splice(partition, 1, undefined);
    this.#leaving.add(hosted);
    hosted.replica.retire(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    // Groups that it kept are kept elsewhere now.
    this.#options.onRoleChange(topic, partition, hosted.replica);
    hosted.actor.subscribe({ complete: () => this.#hasLeft(hosted) });
    hosted.actor.send({ type: 'deletion.requested' });
  }

  #unhost(topic: string, topicId: string): void {
    for (const [id, hosted] of this.#hosted) {
      if (hosted.key.topic !== topic || hosted.key.topicId !== topicId) continue;
      this.#hosted.delete(id);
      this.#byTopic.delete(topic);
      this.#leaving.add(hosted);
      hosted.replica.retire(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      hosted.actor.subscribe({ complete: () => this.#hasLeft(hosted) });
      hosted.actor.send({ type: 'deletion.requested' });
    }
  }

  #hasLeft(hosted: Hosted): void {
    const { image, nodeId, logger, onDeleted } = this.#options;
    const { topicId } = hosted.key;
    this.#leaving.delete(hosted);
    const { value, context } = hosted.actor.getSnapshot();
    if (value !== 'deleted') {
      this.#undeleted.add(topicId);
      const reason = context.failure;
      logger.error(
        'files of a deleted partition could not be removed; the next start tries again',
        {
          ...hosted.key,
          reason,
        },
      );
    }
    if ([...this.#leaving].some((it) => it.key.topicId === topicId)) return;
    // The topic's last partition here. If the files of any of them stayed, so does the note.
    if (this.#undeleted.delete(topicId)) return;
    const deletion = image.deletions.get(`${nodeId}/${topicId}`);
    if (deletion !== undefined) onDeleted(deletion);
  }

  #provide(): typeof partitionReplicaMachine {
    const hostedOf = (key: ReplicaKey): Hosted => {
      const id = idOf(key.topic, key.partition);
      const hosted = this.#hosted.get(id);
      if (hosted?.key.topicId === key.topicId) return hosted;
      for (const it of this.#leaving) {
        if (it.key.topicId === key.topicId && it.key.partition === key.partition) return it;
      }
      throw new Error(`no replica ${id} of topic ${key.topicId}`);
    };
    return partitionReplicaMachine.provide({
      actors: {
        openLog: fromPromise(({ input }) => {
          const hosted = hostedOf(input);
          return (hosted.opening ??= this.#open(hosted));
        }),
        truncateLog: fromPromise(({ input }) =>
          hostedOf(input.key).replica.truncate(input.truncation),
        ),
        closeLog: fromPromise(async ({ input }) => {
          try {
            await hostedOf(input.key).replica.log?.close({ clean: input.clean });
          } catch (error) {
            this.#options.logger.error(
              'a log could not be closed in order: the next start repairs it',
              { ...input.key, error },
            );
            throw error;
          }
        }),
        deleteLog: fromPromise(async ({ input }) => {
          const { log } = hostedOf(input).replica;
          if (log === undefined) await this.#removeUnopened(input);
          else await log.delete();
          await removeAside(this.#options.volume, input);
          this.#checkpoints.forget(input.topic, input.partition);
          await this.#checkpoints.rewrite();
        }),
        setLogAside: fromPromise(({ input }) => {
          const hosted = hostedOf(input.key);
          return (hosted.settingAside ??= this.#setAside(hosted, input.reason ?? 'unknown'));
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
        startFetching: (_, { key, assignment }) => {
          if (assignment === null) return;
          const { replica } = hostedOf(key);
          this.#options.replication?.()?.startFetching(key, replica, assignment);
        },
        stopFetching: (_, { key }) => this.#options.replication?.()?.stopFetching(key),
        goOffline: (_, { key, reason }) => {
          const { replica } = hostedOf(key);
          replica.goOffline(reason ?? 'unknown');
          this.#options.logger.error(
            `partition ${key.topic}-${key.partition} is offline: ${reason}`,
          );
          this.#options.onRoleChange(key.topic, key.partition, replica);
          this.#options.replication?.()?.wentOffline(key, replica);
        },
      },
    });
  }

  /** It begins anew: the log is opened again afterwards, and has nothing. */
  async #setAside(hosted: Hosted, reason: string): Promise<void> {
    const { key, replica } = hosted;
    const { volume, logger } = this.#options;
    await replica.log?.close({ clean: false });
    replica.detach();
    await setLogAside(volume, key, reason, () => this.#forgetLog(key));
    logger.warn('a damaged log was set aside, and its replica begins anew from its leader', {
      ...key,
      folder: asideFolderOf(key),
    });
    hosted.isAnew = true;
    hosted.opening = undefined;
    hosted.settingAside = undefined;
    hosted.damagedEnd = undefined;
  }

  async #forgetLog({ topic, partition }: ReplicaKey): Promise<void> {
    this.#checkpoints.forget(topic, partition);
    await this.#checkpoints.rewrite();
  }

  async #open(hosted: Hosted): Promise<void> {
    const { key, replica, actor } = hosted;
    const { settings, openLog, volume } = this.#options;
    const { topic, partition } = key;
    const folder = folderOf(topic, partition);
    const listed = hosted.isAnew ? undefined : this.#filesByFolder;
    await this.#untilGone(hosted);
    await this.#openings.run(async () => {
      let files = listed ? (listed.get(folder) ?? []) : await this.#folders.list(folder);
      if (isSetAside(folder, files)) {
        await finishSettingAside(volume, folder, files, () => this.#forgetLog(key));
        hosted.isAnew = true;
        files = [];
      }
      const assignment = this.#options.image.partition(topic, partition);
      const log = await openLog({
        topic,
        partition,
        topicId: key.topicId as Uuid,
        files,
        ...(assignment !== undefined && { leaderEpochMax: assignment.leaderEpoch }),
        ...this.#checkpoints.of(topic, partition),
      }).catch((error: unknown) => {
        if (isDamage(error)) hosted.damagedEnd = (error as LogCorruptError).end;
        throw error;
      });
      log.onFailed = (error) =>
        actor.send({ type: 'log.failed', reason: error.message, isDamaged: isDamage(error) });
      // Its background work may have failed before anybody could listen.
      if (log.failure !== undefined) log.onFailed(log.failure);
      // It may have changed while the log was opened.
      log.updateConfig(settings.logConfig(topic));
      replica.attach(log);
      this.#checkpoints.forget(topic, partition);
    });
  }

  /** The files of a log that could not be opened. Those of another topic, which stand in its place, stay. */
  async #removeUnopened({ topic, topicId, partition }: ReplicaKey): Promise<void> {
    const folder = folderOf(topic, partition);
    const owner = await this.#folders.ownerOf(folder);
    if (owner !== undefined && owner !== topicId) return;
    await this.#folders.remove(folder, await this.#folders.list(folder));
  }

  /** Those who leave the place as this is called: later ones leave it after us. */
  async #untilGone(own: Hosted): Promise<void> {
    const { topic, partition } = own.key;
    const before = [...this.#leaving].filter(
      (it) => it.key.topic === topic && it.key.partition === partition && it !== own,
    );
    for (const it of before) await ended(it.actor);
  }

  async #allSettled(): Promise<void> {
    await Promise.all(
      [...this.#hosted.values()].map(({ actor }) => waitFor(actor, (it) => it.hasTag('settled'))),
    );
  }
}

const placedAt = <T>(index: number, item: T): (T | undefined)[] => {
  const places: (T | undefined)[] = [];
  places[index] = item;
  return places;
};

const ended = (actor: Hosted['actor']): Promise<unknown> =>
  waitFor(actor, (it) => it.status !== 'active');

/** Readers ask again and again: a damage is told once. */
const reportingEachOnce = (logger: Logger, key: ReplicaKey): ((error: unknown) => void) => {
  let told: string | undefined;
  return (error) => {
    const message = String(error);
    if (message === told) return;
    told = message;
    logger.error(`partition ${key.topic}-${key.partition} cannot be read`, { error });
  };
};
