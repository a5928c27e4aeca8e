/** The few things that a broker wishes of the controller by itself, wherever the controller is. */
import {
  ErrorCode,
  createTopicsRequest,
  createTopicsResponse,
  type NodeId,
  type Uuid,
} from '@odradek/protocol';
import type { TopicRequest } from '../controller/create-topics.ts';
import { decided, refuse, type Decision } from '../controller/outcome.ts';
import { PeerError } from '../peers/peer-channel.ts';
import { ALLOCATE_PRODUCER_IDS, COMPLETE_DELETION } from './controller-apis.ts';
import type { ControllerDoor } from './controller-door.ts';

/** What asks this of a Controller may ask it of one that is elsewhere. */
export interface ControllerFace {
  createTopic(request: TopicRequest, validateOnly: boolean): Promise<Decision<unknown>>;
  /** The first of the block. */
  allocateProducerIds(blockSize: number): Promise<Decision<number>>;
  completeDeletion(node: NodeId, topicId: Uuid): Promise<Decision<null>>;
}

const CREATE_TOPICS = { request: createTopicsRequest, response: createTopicsResponse, version: 7 };
const TIMEOUT_MS = 10_000;

export class RoutedController implements ControllerFace {
  readonly #door: ControllerDoor;
  readonly #nodeId: NodeId;
  readonly #brokerEpoch: () => number;

  constructor(door: ControllerDoor, nodeId: NodeId, brokerEpoch: () => number) {
    this.#door = door;
    this.#nodeId = nodeId;
    this.#brokerEpoch = brokerEpoch;
  }

  createTopic(request: TopicRequest, validateOnly: boolean): Promise<Decision<unknown>> {
    return this.#asked(async () => {
      const { topics } = await this.#door.insist(
        CREATE_TOPICS,
        {
          topics: [{ ...request, assignments: [...request.assignments] }],
          timeoutMs: TIMEOUT_MS,
          validateOnly,
        },
        TIMEOUT_MS,
        (answer) => answer.topics[0]?.errorCode !== ErrorCode.NOT_CONTROLLER,
      );
      return resultOf(topics[0]!.errorCode, topics[0]!.errorMessage, null);
    });
  }

  allocateProducerIds(): Promise<Decision<number>> {
    return this.#asked(async () => {
      const block = await this.#door.insist(
        ALLOCATE_PRODUCER_IDS,
        { brokerId: this.#nodeId, brokerEpoch: this.#brokerEpoch() },
        TIMEOUT_MS,
      );
      return resultOf(block.errorCode, null, block.producerIdStart);
    });
  }

  completeDeletion(node: NodeId, topicId: Uuid): Promise<Decision<null>> {
    return this.#asked(async () => {
      const { errorCode } = await this.#door.insist(
        COMPLETE_DELETION,
        { brokerId: node, topicId },
        TIMEOUT_MS,
      );
      return resultOf(errorCode, null, null);
    });
  }

  async #asked<T>(ask: () => Promise<Decision<T>>): Promise<Decision<T>> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      return refuse(ErrorCode.REQUEST_TIMED_OUT, `the controller is not reached: ${error.message}`);
    }
  }
}

const resultOf = <T>(errorCode: ErrorCode, message: string | null, value: T): Decision<T> =>
  errorCode === ErrorCode.NONE
    ? decided(value)
    : refuse(errorCode, message ?? `the controller refuses with code ${errorCode}`);
