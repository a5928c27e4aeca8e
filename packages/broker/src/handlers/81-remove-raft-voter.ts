/** RemoveRaftVoter: a voter of the quorum is one no more, whether it is up or not (KIP-853). */
import { ErrorCode, removeRaftVoterRequest, removeRaftVoterResponse } from '@odradek/protocol';
import { removeVoter } from '../cluster/voter-changes.ts';
import { handler } from './handler.ts';

export const removeRaftVoter = handler({
  name: 'RemoveRaftVoter',
  request: removeRaftVoterRequest,
  response: removeRaftVoterResponse,
  versions: [0, 0],
  notes:
    'Answered by the quorum’s leader, wherever the client asks, and always when it is committed.',
  async handle(broker, { clusterId, voterId, voterDirectoryId }) {
    const done = await removeVoter(broker, {
      clusterId,
      id: voterId,
      directoryId: voterDirectoryId,
    });
    return done.ok
      ? { errorCode: ErrorCode.NONE, errorMessage: null }
      : { errorCode: done.errorCode, errorMessage: done.message };
  },
});
