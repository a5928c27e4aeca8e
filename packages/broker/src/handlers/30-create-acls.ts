/** CreateAcls: SECURITY_DISABLED, as Kafka answers without an authorizer. */
import { ErrorCode, createAclsRequest, createAclsResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
import { NO_AUTHORIZER } from './no-authorizer.ts';

export const createAcls = handler({
  name: 'CreateAcls',
  request: createAclsRequest,
  response: createAclsResponse,
  versions: [1, 3],
  notes: 'Answers SECURITY_DISABLED: there is no authorizer.',
  handle: (_broker, request) => ({
    results: request.creations.map(() => ({
      errorCode: ErrorCode.SECURITY_DISABLED,
      errorMessage: NO_AUTHORIZER,
    })),
  }),
});
