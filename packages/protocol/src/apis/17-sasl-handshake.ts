/**
 * SaslHandshake: key 17, versions 0 to 1, never flexible.
 *
 * After 0 the tokens follow bare on the connection; after 1 they come in SaslAuthenticate
 * (KIP-152).
 */
import { array, errorCode, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';

/** Chooses a SASL mechanism. */
export const saslHandshakeRequest = /*@__PURE__*/ message(
  { key: 17, name: 'SaslHandshakeRequest', versions: [0, 1] },
  () => ({
    mechanism: string(),
  }),
);
export type SaslHandshakeRequest = Body<typeof saslHandshakeRequest>;

/** UNSUPPORTED_SASL_MECHANISM: the mechanisms that there are come with it. ILLEGAL_SASL_STATE. */
export const saslHandshakeResponse = /*@__PURE__*/ message(
  { key: 17, name: 'SaslHandshakeResponse', versions: [0, 1] },
  () => ({
    errorCode: errorCode(),
    mechanisms: array(string()),
  }),
);
export type SaslHandshakeResponse = Body<typeof saslHandshakeResponse>;
