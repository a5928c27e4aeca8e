/** Requests of clients that only the controller may answer are brought to it, and its answer is brought back (KIP-590). */
import type { Body, Input, Message } from '@odradek/protocol';
import type { Handler } from '../handlers/handler.ts';
import { FORWARDED_KEYS } from './answer-peer.ts';
import type { ControllerDoor } from './controller-door.ts';

const TIMEOUT_MS = 30_000;

export interface Forwarding {
  /** Undefined: it is answered here. */
  forward(handler: Handler, apiVersion: number, body: unknown): Promise<unknown> | undefined;
}

export const forwarding = (door: ControllerDoor, isControllerHere: () => boolean): Forwarding => ({
  forward(handler, version, body) {
    if (!FORWARDED_KEYS.has(handler.key) || isControllerHere()) return undefined;
    const api = { request: handler.request, response: handler.response as Message, version };
    return door.ask(api, body as Input<Message>, TIMEOUT_MS) as Promise<Body<Message>>;
  },
});
