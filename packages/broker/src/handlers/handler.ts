/**
 * What a handler of one API is. Its file is numbered by the API's key, so that the folder's listing is the coverage; the
 * versions here are what ApiVersions advertises and what docs/api-coverage.md shows.
 */
import type { Body, Input, Message, NodeId } from '@odradek/protocol';
import type { BrokerServices } from '../services.ts';

export interface RequestContext {
  readonly apiVersion: number;
  readonly clientId: string;
  /** "/127.0.0.1", as Kafka shows it in group descriptions. */
  readonly clientHost: string;
  /** The listener that the client came by: its brokers' addresses are what Metadata answers with. */
  readonly listenerName: string;
  /** Another member of the cluster asks, by its peer link; a client can never say so. */
  readonly member?: NodeId;
  /**
   * Calls back, never at once, when the client is gone or the broker wants to stop: whoever waits for more answers with what
   * there is. Returns how to take that back.
   */
  readonly onClosed: (listener: () => void) => () => void;
}

/** Nothing is sent: a Produce with acks=0. */
export const NO_RESPONSE: unique symbol = Symbol('noResponse');
/** Nothing is sent and the connection is closed, as Kafka does when a Produce with acks=0 fails. */
export const CLOSE_CONNECTION: unique symbol = Symbol('closeConnection');

/** Stands for every version of ApiVersions that is newer than ours: it is answered in version 0 with UNSUPPORTED_VERSION. */
export const UNSUPPORTED_API_VERSIONS = -1;

export type Answer<Response> = Response | typeof NO_RESPONSE | typeof CLOSE_CONNECTION;

export interface Handler {
  readonly key: number;
  readonly name: string;
  /** Lowest and highest version that is really done. */
  readonly versions: readonly [number, number];
  /** The lowest version that is advertised, where old clients need to see one that is refused (Produce, KAFKA-18659). */
  readonly advertisedMin: number;
  /** What the API does in one line, and what of it is left out: for the coverage page. */
  readonly notes: string;
  readonly request: Message;
  readonly response: Message<unknown, unknown>;
  readonly isLongPoll: boolean;
  handle(broker: BrokerServices, request: never, context: RequestContext): unknown;
}

export interface HandlerDefinition<Request extends Message, Response extends Message> {
  readonly request: Request;
  readonly response: Response;
  readonly name: string;
  readonly versions: readonly [number, number];
  readonly advertisedMin?: number;
  readonly notes?: string;
  /** An answer that is not there at once waits for others, not for this broker: meanwhile the request counts as no work. */
  readonly isLongPoll?: boolean;
  /**
   * Answers one request. Effects take place in the order of the requests of a connection up to the first `await`; answers are
   * put back into that order by the connection. A throw is a defect of ours: the connection is closed and it is logged.
   */
  handle(
    broker: BrokerServices,
    request: Body<Request>,
    context: RequestContext,
  ): Answer<Input<Response>> | Promise<Answer<Input<Response>>>;
}

export const handler = <Request extends Message, Response extends Message>(
  definition: HandlerDefinition<Request, Response>,
): Handler => ({
  key: definition.request.info.key!,
  name: definition.name,
  versions: definition.versions,
  advertisedMin: definition.advertisedMin ?? definition.versions[0],
  notes: definition.notes ?? '',
  isLongPoll: definition.isLongPoll ?? false,
  request: definition.request,
  response: definition.response as unknown as Message<unknown, unknown>,
  handle: definition.handle as Handler['handle'],
});
