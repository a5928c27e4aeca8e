export { formatAddress } from '../address.ts';
export { listenError } from '../errors.ts';
export { sendHighWaterBytes } from '../marks.ts';
export { createTcpDial, dialTcp, type TcpDialOptions } from './dial.ts';
export { connectionsMaxDefault, listenTcp, type ListenTcpOptions } from './listen.ts';
export type { ReaderName } from './readers.ts';
