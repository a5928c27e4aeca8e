/**
 * This broker as a member of its cluster (KIP-631): it registers, is heard of from time to time, and hands its leaderships over
 * before it stops. An epoch that the controller does not know any more means that it was taken for dead: it registers anew.
 */
import type { Clock, Logger, TimerHandle } from '@odradek/ports';
import { ErrorCode, type NodeId, type Uuid } from '@odradek/protocol';
import type { ListenerAddress } from '../metadata/nodes.ts';
import { PeerError } from '../peers/peer-channel.ts';
import { BROKER_HEARTBEAT, BROKER_REGISTRATION } from './controller-apis.ts';
import type { ControllerDoor } from './controller-door.ts';

/** A start waits so long for the cluster to take it in; the next attempt is the operator's. */
const REGISTRATION_TIMEOUT_MS = 60_000;
/** Of `broker.session.timeout.ms`: by then the session of a process that was killed has ended, and another one is up. */
const DUPLICATE_TIMEOUT_FACTOR = 1.25;
/** A broker that is fenced, or that stops, asks more often than one that serves. */
const URGENT_INTERVAL_MS = 50;
/** Kafka's `controlled.shutdown`: then it stops all the same. */
const SHUTDOWN_TIMEOUT_MS = 10_000;
/** And at once, where no majority of the voters is reached: nobody could let it go. Looked at so often. */
const SHUTDOWN_CHECK_MS = 1_000;
const PLAINTEXT = 0;

export interface MembershipOptions {
  readonly nodeId: NodeId;
  readonly clusterId: () => string;
  readonly incarnation: Uuid;
  /** Of this process. */
  readonly processId: Uuid;
  readonly rack: string | null;
  /** -1 unless the last stop was clean. */
  readonly previousBrokerEpoch: number;
  readonly door: ControllerDoor;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heartbeatIntervalMs: () => number;
  readonly sessionTimeoutMs: () => number;
  /** Where the broker is that is registered under this number, for people; undefined: there is none. */
  readonly holder: () => string | undefined;
  /** No majority of the voters can be reached from here. */
  readonly isCutOff: () => boolean;
  /** How far the metadata log is applied here. */
  readonly metadataOffset: () => number;
}

export class RegistrationError extends Error {
  override readonly name = 'RegistrationError';
}

export class Membership {
  readonly #options: MembershipOptions;
  #listeners: readonly ListenerAddress[] = [];
  #brokerEpoch = -1;
  #isFenced = true;
  #wantsFence = true;
  #wantsShutDown = false;
  #mayShutDown: (() => void) | undefined;
  #onUnfenced: (() => void) | undefined;
  #timer: TimerHandle | undefined;
  #isBeating = false;
  #isStopped = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** -1 before it is registered. */
  get brokerEpoch(): number {
    return this.#brokerEpoch;
  }

  get isFenced(): boolean {
    return this.#isFenced;
  }

  /** Resolves when the cluster has taken it in, fenced: it recovers its logs before clients are sent here. Rejects with RegistrationError. */
  async register(listeners: readonly ListenerAddress[]): Promise<void> {
    this.#listeners = listeners;
    await this.#register(this.#options.previousBrokerEpoch);
    this.#beatSoon(0);
  }

  /** Resolves when clients may be sent here. */
  async serve(): Promise<void> {
    this.#wantsFence = false;
    const unfenced = new Promise<void>((resolve) => (this.#onUnfenced = resolve));
    this.#beatSoon(0);
    await unfenced;
  }

  /** Resolves when others lead what this broker led, or when the time is up. */
  async leave(): Promise<void> {
    if (this.#brokerEpoch < 0 || this.#isStopped) return;
    const { clock, logger, isCutOff } = this.#options;
    this.#wantsShutDown = true;
    const endMs = clock.monotonicMs() + SHUTDOWN_TIMEOUT_MS;
    await new Promise<void>((resolve) => {
      let timer: TimerHandle;
      const look = (): void => {
        if (clock.monotonicMs() < endMs && !isCutOff()) {
          timer = clock.setTimeout(look, SHUTDOWN_CHECK_MS);
          return;
        }
        logger.warn('the controller did not let this broker go in time: it stops all the same');
        resolve();
      };
      timer = clock.setTimeout(look, SHUTDOWN_CHECK_MS);
      this.#mayShutDown = () => {
        clock.clearTimeout(timer);
        resolve();
      };
      this.#beatSoon(0);
    });
    this.stop();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#mayShutDown?.();
    this.#onUnfenced?.();
  }

  async #register(previousBrokerEpoch: number): Promise<void> {
    const { nodeId, clusterId, incarnation, processId, rack, door, clock, logger } = this.#options;
    const waitMs = this.#options.sessionTimeoutMs() * DUPLICATE_TIMEOUT_FACTOR;
    const duplicateAtMs = clock.monotonicMs() + waitMs;
    let isHeld = false;
    const isOver = (): boolean => {
      if (!isHeld)
        logger.warn('this number is held by a broker: waiting whether that one is gone', {
          holder: this.#options.holder(),
          waitMs,
        });
      isHeld = true;
      return clock.monotonicMs() >= duplicateAtMs;
    };
    let answer;
    try {
      answer = await door.insist(
        BROKER_REGISTRATION,
        {
          brokerId: nodeId,
          clusterId: clusterId(),
          incarnationId: processId,
          listeners: this.#listeners.map((it) => ({ ...it, securityProtocol: PLAINTEXT })),
          features: [],
          rack,
          logDirs: [incarnation],
          previousBrokerEpoch,
        },
        REGISTRATION_TIMEOUT_MS,
        ({ errorCode }) =>
          errorCode !== ErrorCode.NOT_CONTROLLER &&
          errorCode !== ErrorCode.REQUEST_TIMED_OUT &&
          // The process before this one was killed, and is not known to be dead yet.
          (errorCode !== ErrorCode.DUPLICATE_BROKER_REGISTRATION || isOver()),
      );
    } catch (error) {
      throw new RegistrationError(
        `broker ${nodeId} could not be registered within ${REGISTRATION_TIMEOUT_MS / 1000} s: is a majority of controller.quorum.voters up, and no other broker ${nodeId}?`,
        { cause: error },
      );
    }
    if (answer.errorCode !== ErrorCode.NONE) {
      if (answer.errorCode === ErrorCode.DUPLICATE_BROKER_REGISTRATION)
        throw new RegistrationError(
          `there are two brokers ${nodeId}, and the other one is up (${this.#options.holder() ?? 'it does not say where'}): each needs a node.id of its own (DUPLICATE_BROKER_REGISTRATION)`,
        );
      throw new RegistrationError(
        answer.errorCode === ErrorCode.INCONSISTENT_CLUSTER_ID
          ? `the cluster is another one than ${clusterId()}: check controller.quorum.voters and the data folder`
          : `broker ${nodeId} was refused by the controller with code ${answer.errorCode}`,
      );
    }
    this.#brokerEpoch = answer.brokerEpoch;
    logger.info('is registered', { brokerEpoch: answer.brokerEpoch });
  }

  #beatSoon(inMs: number): void {
    if (this.#isStopped) return;
    const { clock } = this.#options;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => void this.#beat(), inMs);
  }

  async #beat(): Promise<void> {
    // A timer that was set while one is under way: that one sets the next.
    if (this.#isBeating || this.#isStopped) return;
    this.#isBeating = true;
    let nextMs = URGENT_INTERVAL_MS;
    try {
      nextMs = await this.#heartbeat();
    } catch (error) {
      if (!(error instanceof PeerError || error instanceof RegistrationError)) throw error;
      this.#options.logger.debug('a heartbeat was not answered', { error });
    } finally {
      this.#isBeating = false;
      this.#beatSoon(nextMs);
    }
  }

  /** When the next one is due. */
  async #heartbeat(): Promise<number> {
    const { nodeId, door, heartbeatIntervalMs, metadataOffset, logger } = this.#options;
    const answer = await door.ask(
      BROKER_HEARTBEAT,
      {
        brokerId: nodeId,
        brokerEpoch: this.#brokerEpoch,
        currentMetadataOffset: metadataOffset(),
        wantFence: this.#wantsFence,
        wantShutDown: this.#wantsShutDown,
        offlineLogDirs: [],
      },
      heartbeatIntervalMs(),
    );
    if (
      answer.errorCode === ErrorCode.STALE_BROKER_EPOCH ||
      answer.errorCode === ErrorCode.BROKER_ID_NOT_REGISTERED
    ) {
      logger.warn('the controller does not know this broker’s epoch: it registers anew');
      await this.#register(-1);
      return URGENT_INTERVAL_MS;
    }
    if (answer.errorCode !== ErrorCode.NONE) return URGENT_INTERVAL_MS;
    if (this.#isFenced !== answer.isFenced)
      logger.info(answer.isFenced ? 'is fenced by the controller' : 'is unfenced');
    this.#isFenced = answer.isFenced;
    if (!answer.isFenced) this.#onUnfenced?.();
    if (this.#wantsShutDown && answer.shouldShutDown) this.#mayShutDown?.();
    return this.#isFenced || this.#wantsShutDown ? URGENT_INTERVAL_MS : heartbeatIntervalMs();
  }
}
