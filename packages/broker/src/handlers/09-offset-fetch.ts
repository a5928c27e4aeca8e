/** OffsetFetch: what groups committed; one group until version 7, many from 8, topics by id from 10. */
import { offsetFetchRequest, offsetFetchResponse } from '@odradek/protocol';
import { handler } from './handler.ts';
import { memberContext } from './member-context.ts';

export const offsetFetch = handler({
  name: 'OffsetFetch',
  request: offsetFetchRequest,
  response: offsetFetchResponse,
  versions: [1, 10],
  notes: '',
  handle: (broker, request, context) => broker.groups.offsetFetch(request, memberContext(context)),
});
