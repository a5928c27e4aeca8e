/** OffsetCommit: where a group will read on. Topics by name, or from version 10 by id. */
import { offsetCommitRequest, offsetCommitResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
import { memberContext } from './member-context.ts';

export const offsetCommit = handler({
  name: 'OffsetCommit',
  request: offsetCommitRequest,
  response: offsetCommitResponse,
  versions: [2, 10],
  notes: 'The retention time of versions 2-4 is ignored, as in Kafka since 2.1.',
  handle: (broker, request, context) => broker.groups.offsetCommit(request, memberContext(context)),
});
