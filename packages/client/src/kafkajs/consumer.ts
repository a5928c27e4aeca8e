/** KafkaJS's consumer over this client's: subscribing, running, and starting again after a crash. What happens in a run is in consumer-run.ts. */
import type { TimerHandle } from '@odradek/ports';
import { Admin as Administrator } from '../admin/admin.ts';
import { PartitionAssigners, toAssignors } from './assigners.ts';
import { ConsumerRun } from './consumer-run.ts';
import { checkSelections } from './consumer-pauses.ts';
import { EARLIEST_OFFSET, LATEST_OFFSET, consumerEvents } from './constants.ts';
import { KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } from './errors.ts';
import { Emitter } from './events.ts';
import { describeGroup } from './group-description.ts';
import type { KafkaJSHost } from './host.ts';
import type { RetryPlan } from './retry-plan.ts';
import { FETCH_KEY, HEARTBEAT_KEY, Session } from './session.ts';
import type {
  Consumer,
  ConsumerConfig,
  ConsumerRunConfig,
  KafkaConfig,
  Logger,
  TopicPartitionOffset,
} from './types.ts';

const DEFAULTS = {
  sessionTimeout: 30_000,
  rebalanceTimeout: 60_000,
  heartbeatInterval: 3000,
  maxBytesPerPartition: 1_048_576,
  minBytes: 1,
  maxBytes: 10_485_760,
  maxWaitTimeInMs: 5000,
  allowAutoTopicCreation: true,
  readUncommitted: false,
  rackId: '',
  metadataMaxAge: 300_000,
};

export function createConsumer<B extends Uint8Array>(
  host: KafkaJSHost<B>,
  config: KafkaConfig,
  given: ConsumerConfig,
  plan: RetryPlan,
  rootLogger: Logger,
): Consumer<B> {
  const { groupId, partitionAssigners = [PartitionAssigners.roundRobin] } = given;
  if (!groupId) throw new KafkaJSNonRetriableError('Consumer groupId must be a non-empty string.');
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const options: typeof DEFAULTS = { ...DEFAULTS, ...Object.fromEntries(set) };
  const { heartbeatInterval, sessionTimeout } = options;
  if (heartbeatInterval >= sessionTimeout)
    throw new KafkaJSNonRetriableError(
      `Consumer heartbeatInterval (${heartbeatInterval}) must be lower than sessionTimeout (${sessionTimeout}). It is recommended to set heartbeatInterval to approximately a third of the sessionTimeout.`,
    );
  const logger = rootLogger.namespace('Consumer');
  const emitter = new Emitter('consumer', consumerEvents, host.clock, logger);
  const session = new Session({
    host,
    config,
    plan,
    emitter,
    events: consumerEvents,
    onSent(apiKey, nodeId) {
      if (apiKey === FETCH_KEY) emitter.emit(consumerEvents.FETCH_START, { nodeId });
    },
    onAnswered(apiKey, nodeId, duration) {
      // KafkaJS tells no number of batches either: it has been 0 since 1.12.
      if (apiKey === FETCH_KEY)
        emitter.emit(consumerEvents.FETCH, { numberOfBatches: 0, duration, nodeId });
      if (apiKey === HEARTBEAT_KEY)
        emitter.emit(consumerEvents.HEARTBEAT, {
          groupId,
          memberId: run?.consumer?.memberId ?? '',
          groupGenerationId: run?.consumer?.joined?.generation ?? -1,
        });
    },
  });
  /** Whether each topic is read from its beginning. */
  const topics = new Map<string, boolean>();
  let run: ConsumerRun<B> | undefined;
  let restarting: TimerHandle | undefined;
  let stopping: Promise<void> | undefined;
  /** Counts what ends a run: who waited meanwhile does not begin another one. */
  let stops = 0;

  const stop = (): Promise<void> => {
    stops += 1;
    return (stopping ??= (async () => {
      if (restarting !== undefined) host.clock.clearTimeout(restarting);
      restarting = undefined;
      const stopped = run;
      if (stopped !== undefined) {
        await stopped.stop();
        run = undefined;
        emitter.emit(consumerEvents.STOP);
      }
      logger.info('Stopped', { groupId });
    })().finally(() => {
      stopping = undefined;
    }));
  };

  const disconnect = async (): Promise<void> => {
    await stop();
    session.disconnect();
  };

  const start = async (handlers: ConsumerRunConfig<B>): Promise<void> => {
    logger.info('Starting', { groupId });
    const onCrash = (error: Error): void => void crashed(error, handlers);
    const stopsBefore = stops;
    try {
      const cluster = await (session.isConnected ? session.connected() : session.connect());
      if (stops !== stopsBefore) return;
      const assignors = toAssignors(partitionAssigners, cluster, groupId, logger, host.toBuffer);
      run = new ConsumerRun({
        host,
        session,
        groupId,
        topics: [...topics.keys()],
        consumer: {
          group: groupId,
          assignors,
          from: (topic) => (topics.get(topic) === true ? 'earliest' : 'latest'),
          isolation: options.readUncommitted ? 'read_uncommitted' : 'read_committed',
          rackId: options.rackId,
          sessionTimeoutMs: sessionTimeout,
          rebalanceTimeoutMs: options.rebalanceTimeout,
          heartbeatIntervalMs: heartbeatInterval,
          mayCreateTopics: options.allowAutoTopicCreation,
          minBytes: options.minBytes,
          maxWaitMs: options.maxWaitTimeInMs,
          fetchMaxBytes: options.maxBytes,
          partitionMaxBytes: options.maxBytesPerPartition,
          metadataMaxAgeMs: options.metadataMaxAge,
        },
        handlers,
        emitter,
        logger,
        onCrash,
      });
      await run.start();
    } catch (error) {
      if (stops === stopsBefore) await crashed(error as Error, handlers);
    }
  };

  const crashed = async (error: Error, handlers: ConsumerRunConfig<B>): Promise<void> => {
    logger.error(`Crash: ${error.name}: ${error.message}`, { groupId, stack: error.stack });
    await disconnect();
    const stopsBefore = stops;
    const { restartOnFailure } = given.retry ?? {};
    const wanted =
      isWorthATry(error) &&
      (restartOnFailure === undefined ||
        (await restartOnFailure(error).catch((failure: unknown) => {
          logger.error(`"restartOnFailure" threw, the consumer restarts: ${String(failure)}`);
          return true;
        })));
    // Somebody may have ended it while it was asked.
    const restart = wanted && stops === stopsBefore;
    emitter.emit(consumerEvents.CRASH, { error, groupId, restart });
    if (!restart) return;
    const retryTime =
      error instanceof KafkaJSNumberOfRetriesExceeded ? error.retryTime : plan.initialRetryTimeMs;
    logger.error(`Restarting the consumer in ${retryTime}ms`, { groupId });
    restarting = host.clock.setTimeout(() => {
      restarting = undefined;
      void start(handlers);
    }, retryTime);
  };

  const running = (): ConsumerRun<B> => {
    if (run === undefined)
      throw new KafkaJSNonRetriableError(
        'Consumer group was not initialized, consumer#run must be called first',
      );
    return run;
  };

  return {
    connect: async () => void (await session.connect()),
    disconnect,
    stop,
    async subscribe(subscription) {
      if (run !== undefined)
        throw new KafkaJSNonRetriableError('Cannot subscribe to topic while consumer is running');
      const wanted = 'topics' in subscription ? subscription.topics : [subscription.topic];
      if (!Array.isArray(wanted))
        throw new KafkaJSNonRetriableError('Argument "topics" must be an array');
      for (const each of wanted)
        if ((typeof each !== 'string' || each === '') && !(each instanceof RegExp))
          throw new KafkaJSNonRetriableError(
            `Invalid topic ${String(each)} (${typeof each}), the topic name has to be a String or a RegExp`,
          );
      await session.run(async (cluster) => {
        const all = wanted.some((each) => each instanceof RegExp)
          ? (await new Administrator(cluster).listTopics()).map(({ name }) => name ?? '')
          : [];
        for (const each of wanted) {
          const matching = each instanceof RegExp ? all.filter((name) => each.test(name)) : [each];
          for (const topic of matching) {
            await cluster.topic(topic, { mayCreate: options.allowAutoTopicCreation });
            topics.set(topic, subscription.fromBeginning ?? false);
          }
        }
      });
    },
    async run(handlers = {}) {
      if (run !== undefined) {
        logger.warn('consumer#run was called, but the consumer is already running', { groupId });
        return;
      }
      await start(handlers);
    },
    async commitOffsets(offsets) {
      for (const { metadata, ...place } of offsets) {
        checkPlace(place, []);
        if (metadata !== undefined && metadata !== null && typeof metadata !== 'string')
          throw new KafkaJSNonRetriableError(
            `Invalid offset metadata, expected string or null, received ${String(metadata)}`,
          );
      }
      await running().commits.commit(offsets);
    },
    seek(place) {
      const offset = checkPlace(place, [LATEST_OFFSET, EARLIEST_OFFSET]);
      const { topic, partition } = place;
      const to =
        offset === LATEST_OFFSET ? 'latest' : offset === EARLIEST_OFFSET ? 'earliest' : offset;
      running().places.seek({ topic, partition }, to);
    },
    describeGroup: () => session.run((cluster) => describeGroup(cluster, groupId, host.toBuffer)),
    pause(selections) {
      checkSelections(selections);
      running().places.pause(selections);
    },
    paused: () => run?.places.paused() ?? [],
    resume(selections) {
      checkSelections(selections);
      running().places.resume(selections);
    },
    on: (eventName: string, listener: (event: never) => unknown) => emitter.on(eventName, listener),
    logger: () => logger,
    events: consumerEvents,
  };
}

/** What an application did wrong it does wrong again. */
function isWorthATry(error: unknown): boolean {
  if (error instanceof KafkaJSNumberOfRetriesExceeded) return true;
  let origin = error as { readonly cause?: unknown; readonly retriable?: unknown };
  while (origin.cause instanceof Error) origin = origin.cause;
  return origin.retriable === true;
}

function checkPlace(
  { topic, partition, offset }: TopicPartitionOffset,
  special: readonly number[],
): number {
  if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${String(topic)}`);
  if (!Number.isInteger(partition))
    throw new KafkaJSNonRetriableError(
      `Invalid partition, expected a number received ${String(partition)}`,
    );
  const place = Number(offset);
  if (!/^-?\d+$/.test(String(offset)) || !Number.isSafeInteger(place))
    throw new KafkaJSNonRetriableError(
      `Invalid offset, expected a long received ${String(offset)}`,
    );
  if (place < 0 && !special.includes(place))
    throw new KafkaJSNonRetriableError('Offset must not be a negative number');
  return place;
}
