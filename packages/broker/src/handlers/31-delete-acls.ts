/** DeleteAcls: SECURITY_DISABLED, as Kafka answers without an authorizer. */
import { ErrorCode, deleteAclsRequest, deleteAclsResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
import { NO_AUTHORIZER } from './no-authorizer.ts';

export const deleteAcls = handler({
  name: 'DeleteAcls',
  request: deleteAclsRequest,
  response: deleteAclsResponse,
  versions: [1, 3],
  notes: 'Answers SECURITY_DISABLED: there is no authorizer.',
  handle: (_broker, request) => ({
    filterResults: request.filters.map(() => ({
      errorCode: ErrorCode.SECURITY_DISABLED,
      errorMessage: NO_AUTHORIZER,
      matchingAcls: [],
    })),
  }),
});
