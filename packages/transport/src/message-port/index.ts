export {
  connectPort,
  type MessagePortLike,
  type PortConnectionOptions,
} from './port-connection.ts';
