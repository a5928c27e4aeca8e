/** ApiVersions: what this broker really does. A version newer than ours is answered in version 0 with our range (KIP-511). */
import { ErrorCode, apiVersionsRequest, apiVersionsResponse } from '@odradek/protocol';
import { UNSUPPORTED_API_VERSIONS, handler } from './handler.ts';

/** Client names and versions: letters, digits, dots and dashes, beginning and ending with a letter or a digit. */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/;

export const apiVersions = handler({
  name: 'ApiVersions',
  request: apiVersionsRequest,
  response: apiVersionsResponse,
  versions: [0, 4],
  notes: 'No features are finalised: transaction.version 0, group.version 0.',
  handle(broker, request, context) {
    const ranges = broker.handlers.map((it) => ({
      apiKey: it.key,
      minVersion: it.advertisedMin,
      maxVersion: it.versions[1],
    }));
    if (context.apiVersion === UNSUPPORTED_API_VERSIONS) {
      return {
        errorCode: ErrorCode.UNSUPPORTED_VERSION,
        apiKeys: ranges.filter((it) => it.apiKey === apiVersionsRequest.info.key),
      };
    }
    const isNamed =
      context.apiVersion < 3 ||
      (SOFTWARE.test(request.clientSoftwareName) && SOFTWARE.test(request.clientSoftwareVersion));
    if (!isNamed) return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] };
    return { errorCode: ErrorCode.NONE, apiKeys: ranges };
  },
});
