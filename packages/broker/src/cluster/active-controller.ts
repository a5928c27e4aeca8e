/**
 * Makes this broker the controller while its quorum member leads, and only then: it formats a new cluster, begins the sessions
 * of all brokers anew, and fences those that fall silent. By KRaft's rule the controller is where the quorum's leader is.
 */
import type { Clock, Logger, TimerHandle } from '@odradek/ports';
import type { NodeId } from '@odradek/protocol';
import type { QuorumMember } from '@odradek/quorum';
import type { ClusterController } from '../controller/cluster-controller.ts';
import type { MetadataImage } from '../metadata/image.ts';

/** Sessions are looked at no more often; a fenced broker costs its clients this much more at most. */
const FENCING_INTERVAL_MS_MIN = 50;
/** How often a member that has begun to lead is asked whether it has read its log. */
const ACTIVATION_INTERVAL_MS = 5;
/** How often replicas are asked what they hold, where nobody is sure to hold everything. */
const FORSAKEN_INTERVAL_MS = 250;
/** Brokers that register are looked at this often while nobody has a session. */
const IDLE_INTERVAL_MS = 1_000;

export interface ActiveControllerOptions {
  readonly quorum: QuorumMember;
  readonly image: MetadataImage;
  readonly controller: ClusterController;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The first leader of a new cluster gives it its id and its folders. */
  readonly formatCluster: () => Promise<void>;
  /** Brokers to which there is no way at this moment: they have less time to be heard of. */
  readonly unreachable: () => readonly NodeId[];
}

export class ActiveController {
  readonly #options: ActiveControllerOptions;
  readonly #unsubscribe: () => void;
  /** The epoch in which this member is the controller. */
  #epoch: number | undefined;
  #timer: TimerHandle | undefined;
  #lastForsakenMs = -Infinity;
  #isStopped = false;

  constructor(options: ActiveControllerOptions) {
    this.#options = options;
    this.#unsubscribe = options.quorum.subscribe(() => this.#look());
    this.#look();
  }

  get isActive(): boolean {
    return this.#epoch !== undefined;
  }

  /** A link broke: the broker has a short time left to be heard of. */
  linkLost(nodeId: NodeId): void {
    if (!this.isActive) return;
    this.#options.controller.heartbeats.linkLost(nodeId);
    this.#arm();
  }

  stop(): void {
    this.#isStopped = true;
    this.#unsubscribe();
    this.#disarm();
    this.#epoch = undefined;
  }

  #look(): void {
    const { role, epoch } = this.#options.quorum.snapshot;
    if (this.#isStopped || role !== 'leader') {
      this.#epoch = undefined;
      this.#disarm();
      return;
    }
    if (this.#epoch === epoch) return;
    // Leading begins before the log is in the tree.
    if (!this.#options.quorum.acceptsProposals) {
      this.#disarm();
      this.#timer = this.#options.clock.setTimeout(() => this.#look(), ACTIVATION_INTERVAL_MS);
      return;
    }
    this.#epoch = epoch;
    void this.#begin(epoch);
  }

  async #begin(epoch: number): Promise<void> {
    const { image, controller, logger, formatCluster, unreachable } = this.#options;
    logger.info('is the controller', { epoch });
    try {
      if (image.clusterId === '') await formatCluster();
    } catch (error) {
      logger.error('the cluster could not be formatted', { error });
      if (this.#epoch === epoch) this.#epoch = undefined;
      return;
    }
    if (this.#epoch !== epoch) return;
    controller.begin();
    for (const nodeId of unreachable()) controller.heartbeats.linkLost(nodeId);
    this.#arm();
  }

  #arm(): void {
    this.#disarm();
    if (!this.isActive) return;
    const { clock, controller, image } = this.#options;
    const nextMs = controller.heartbeats.nextDeadlineMs(image);
    const waitMs = Math.max(
      FENCING_INTERVAL_MS_MIN,
      Math.min(IDLE_INTERVAL_MS, nextMs - clock.monotonicMs()),
    );
    this.#timer = clock.setTimeout(() => void this.#tend(), waitMs);
  }

  async #tend(): Promise<void> {
    await this.#fence();
    this.#electFurthest();
    this.#arm();
  }

  #electFurthest(): void {
    const { controller, clock, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    if (!this.isActive || nowMs - this.#lastForsakenMs < FORSAKEN_INTERVAL_MS) return;
    this.#lastForsakenMs = nowMs;
    controller.electFurthest().catch((error: unknown) => {
      logger.error('leaders could not be found for partitions without one', { error });
    });
  }

  async #fence(): Promise<void> {
    const { controller, logger, clock, image } = this.#options;
    try {
      if (controller.heartbeats.nextDeadlineMs(image) <= clock.monotonicMs()) {
        const noticedMs = clock.monotonicMs();
        const fenced = await controller.fenceSilent();
        // All of their leaderships are with others, as far as a majority and this broker's own clients are concerned.
        const tookMs = Math.round(clock.monotonicMs() - noticedMs);
        for (const nodeId of fenced)
          logger.warn('a broker fell silent and is fenced', { nodeId, tookMs });
      }
    } catch (error) {
      logger.error('fencing failed and will be tried again', { error });
    }
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
