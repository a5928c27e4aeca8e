/** SaslHandshake on a listener without SASL: ILLEGAL_SASL_STATE, as Kafka answers. Clients look for the key before they use SASL at all. */
import { ErrorCode, saslHandshakeRequest, saslHandshakeResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const saslHandshake = handler({
  name: 'SaslHandshake',
  request: saslHandshakeRequest,
  response: saslHandshakeResponse,
  versions: [0, 1],
  notes: 'Answers ILLEGAL_SASL_STATE: no listener asks for authentication yet.',
  handle: () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }),
});
