export {
  createHostCheck,
  createOriginCheck,
  isLoopback,
  type HostCheck,
  type OriginCheck,
  type Verdict,
} from './request-check.ts';
export {
  createWebSocketAcceptor,
  heartbeatIntervalMsDefault,
  silentBeatsMax,
  type WebSocketAcceptor,
  type WebSocketAcceptorOptions,
} from './acceptor.ts';
export {
  createWebSocketDial,
  dialWebSocket,
  type WebSocketClass,
  type WebSocketDialOptions,
  type WebSocketLike,
} from './client.ts';
export { loadNodeWebSocket } from './node-web-socket.ts';
