/**
 * What a reassignment may cost, by Kafka's keys (KIP-73): topics name the replicas that are throttled
 * (`leader.` and `follower.replication.throttled.replicas`), brokers have the rates (`….replication.throttled.rate`), one for
 * all that they give to others and one for all that they take. Who is in sync is never held back: acknowledgements wait for
 * him, and he takes no more than what is produced.
 */
import type { Clock } from '@odradek/ports';
import type { NodeId } from '@odradek/protocol';
import { ReplicationQuota } from '@odradek/replication';
import { UNLIMITED } from '../config/index.ts';
import type { Settings } from '../settings.ts';

const LEADER = {
  replicas: 'leader.replication.throttled.replicas',
  rate: 'leader.replication.throttled.rate',
} as const;
const FOLLOWER = {
  replicas: 'follower.replication.throttled.replicas',
  rate: 'follower.replication.throttled.rate',
} as const;

type SideKeys = typeof LEADER | typeof FOLLOWER;

/** Partitions of a topic; `all` of them by `*`. */
type Throttled = 'all' | ReadonlySet<number>;

export class ThrottleSide {
  readonly #keys: SideKeys;
  readonly #nodeId: NodeId;
  readonly #settings: Settings;
  readonly #quota: ReplicationQuota;
  /** By a topic's list, which is made anew when it changes. */
  readonly #known = new WeakMap<readonly string[], Throttled>();
  #rate = UNLIMITED;

  constructor(
    keys: SideKeys,
    nodeId: NodeId,
    settings: Settings,
    clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.#keys = keys;
    this.#nodeId = nodeId;
    this.#settings = settings;
    this.#quota = new ReplicationQuota(clock, Infinity);
  }

  get quota(): ReplicationQuota {
    const rate = this.#settings.broker[this.#keys.rate];
    if (rate !== this.#rate) {
      this.#rate = rate;
      this.#quota.bytesPerSecond = rate === UNLIMITED ? Infinity : rate;
    }
    return this.#quota;
  }

  isThrottled(topic: string, partition: number): boolean {
    const list = this.#settings.topic(topic)[this.#keys.replicas];
    if (list.length === 0) return false;
    let throttled = this.#known.get(list);
    if (throttled === undefined) {
      throttled = partitionsOf(list, this.#nodeId);
      this.#known.set(list, throttled);
    }
    return throttled === 'all' || throttled.has(partition);
  }
}

export class ReplicationThrottle {
  readonly leader: ThrottleSide;
  readonly follower: ThrottleSide;

  constructor(nodeId: NodeId, settings: Settings, clock: Pick<Clock, 'monotonicMs'>) {
    this.leader = new ThrottleSide(LEADER, nodeId, settings, clock);
    this.follower = new ThrottleSide(FOLLOWER, nodeId, settings, clock);
  }
}

/** Entries are `partition:broker`. */
const partitionsOf = (list: readonly string[], nodeId: NodeId): Throttled =>
  list.includes('*')
    ? 'all'
    : new Set(
        list
          .map((it) => it.split(':'))
          .filter(([, broker]) => Number(broker) === nodeId)
          .map(([partition]) => Number(partition)),
      );
