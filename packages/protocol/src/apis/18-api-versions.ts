/**
 * ApiVersions: key 18, versions 0 to 4, flexible from 3.
 *
 * 3: flexible, names the client (KIP-511), features in the answer. 4: features whose lowest version
 * is 0 may be listed (KAFKA-17011). The answer always has the oldest header. A version too new is
 * answered in version 0, with UNSUPPORTED_VERSION and the broker's range for this API alone.
 */
import { array, boolean, errorCode, int16, int64, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { throttleTimeMs } from './words.ts';

/** Tells which APIs a broker has, in which versions: the first thing that a client asks. */
export const apiVersionsRequest = /*@__PURE__*/ message(
  { key: 18, name: 'ApiVersionsRequest', versions: [0, 4], flexible: 3 },
  () => ({
    clientSoftwareName: string({ since: 3 }),
    clientSoftwareVersion: string({ since: 3 }),
  }),
);
export type ApiVersionsRequest = Body<typeof apiVersionsRequest>;

/**
 * UNSUPPORTED_VERSION: ask again in a version of the range given. INVALID_REQUEST: the client's
 * name is not letters, digits, dots and dashes.
 */
export const apiVersionsResponse = /*@__PURE__*/ message(
  { key: 18, name: 'ApiVersionsResponse', versions: [0, 4], flexible: 3 },
  () => ({
    errorCode: errorCode(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: throttleTimeMs({ since: 1 }),
    supportedFeatures: array(
      {
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      },
      { since: 3, tag: 0 },
    ),
    finalizedFeaturesEpoch: int64({ since: 3, default: -1, tag: 1 }),
    finalizedFeatures: array(
      {
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      },
      { since: 3, tag: 2 },
    ),
    zkMigrationReady: boolean({ since: 3, default: false, tag: 3 }),
  }),
);
export type ApiVersionsResponse = Body<typeof apiVersionsResponse>;
