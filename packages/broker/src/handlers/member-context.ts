/** What the group coordinator wants to know of the asker. */
import type { RequestContext } from './handler.ts';

export const memberContext = (
  context: RequestContext,
): { apiVersion: number; clientId: string; clientHost: string } => ({
  apiVersion: context.apiVersion,
  clientId: context.clientId,
  clientHost: context.clientHost,
});
