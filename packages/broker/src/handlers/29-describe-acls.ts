/** DescribeAcls: SECURITY_DISABLED, as Kafka answers without an authorizer. */
import { ErrorCode, describeAclsRequest, describeAclsResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
import { NO_AUTHORIZER } from './no-authorizer.ts';

export const describeAcls = handler({
  name: 'DescribeAcls',
  request: describeAclsRequest,
  response: describeAclsResponse,
  versions: [1, 3],
  notes: 'Answers SECURITY_DISABLED: there is no authorizer.',
  handle: () => ({
    errorCode: ErrorCode.SECURITY_DISABLED,
    errorMessage: NO_AUTHORIZER,
    resources: [],
  }),
});
