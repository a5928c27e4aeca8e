/** A BroadcastChannel whose name only two know, as a port between them. What is sent is copied, as it is between tabs in any case. */
import type { MessagePortLike } from '@odradek/transport/message-port';

export const asPort = (channel: BroadcastChannel): MessagePortLike => ({
  postMessage: (message) => channel.postMessage(message),
  start() {},
  close: () => channel.close(),
  addEventListener: (type: string, listener: (event: { readonly data: unknown }) => void) =>
    channel.addEventListener(type as 'message', listener),
});
