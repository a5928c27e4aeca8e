/** AddRaftVoter: a node that follows the metadata log is made a voter of the quorum (KIP-853). */
import { ErrorCode, addRaftVoterRequest, addRaftVoterResponse } from '@odradek/protocol';
import { addVoter } from '../cluster/voter-changes.ts';
import { handler } from './handler.ts';

export const addRaftVoter = handler({
  name: 'AddRaftVoter',
  request: addRaftVoterRequest,
  response: addRaftVoterResponse,
  versions: [0, 1],
  notes:
    'Answered by the quorum’s leader, wherever the client asks, and always when it is committed. Without listeners those of the broker’s registration are taken.',
  async handle(broker, { clusterId, voterId, voterDirectoryId, listeners, timeoutMs }) {
    const voter = { clusterId, id: voterId, directoryId: voterDirectoryId };
    const done = await addVoter(broker, voter, listeners, timeoutMs);
    return done.ok
      ? { errorCode: ErrorCode.NONE, errorMessage: null }
      : { errorCode: done.errorCode, errorMessage: done.message };
  },
});
