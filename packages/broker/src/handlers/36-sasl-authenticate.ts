/** SaslAuthenticate on a listener without SASL: ILLEGAL_SASL_STATE, as Kafka answers. */
import { ErrorCode, saslAuthenticateRequest, saslAuthenticateResponse } from '@odradek/protocol';
import { handler } from './handler.ts';

export const saslAuthenticate = handler({
  name: 'SaslAuthenticate',
  request: saslAuthenticateRequest,
  response: saslAuthenticateResponse,
  versions: [0, 2],
  notes: 'Answers ILLEGAL_SASL_STATE: no listener asks for authentication yet.',
  handle: () => ({
    errorCode: ErrorCode.ILLEGAL_SASL_STATE,
    errorMessage: 'this listener does not use SASL',
    authBytes: new Uint8Array(0),
  }),
});
