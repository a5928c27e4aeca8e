/** Puts a decision to the ensemble, and says in Kafka's words what became of it. */
import { ErrorCode } from '@odradek/protocol';
import type { QuorumMember, TreeError, TreeOp } from '@odradek/quorum';
import { decided, refuse, type Decision } from './outcome.ts';

/** What the tree says of a change of something that has changed, or of a note that is there already. */
export const OVERTAKEN: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.INVALID_REQUEST,
  ErrorCode.TOPIC_ALREADY_EXISTS,
]);

/** Resolves when it is committed and the image has it. */
export const propose = async (
  quorum: Pick<QuorumMember, 'propose'>,
  ops: readonly TreeOp[],
  what: string,
): Promise<Decision<null>> => {
  let proposal: Awaited<ReturnType<QuorumMember['propose']>>;
  try {
    proposal = await quorum.propose(ops);
  } catch (error) {
    // It may be in the log all the same: the client must take this as "unknown".
    return refuse(
      ErrorCode.REQUEST_TIMED_OUT,
      `the metadata log is not available: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  switch (proposal.status) {
    case 'committed':
      return decided(null);
    case 'notLeader':
      return refuse(ErrorCode.NOT_CONTROLLER, 'this broker is not the controller');
    case 'refused':
      return refusalOf(proposal.error, what);
  }
};

/** What the tree has against a change that was right by the image. */
const refusalOf = (error: TreeError, what: string): Decision<never> => {
  switch (error.code) {
    case 'overloaded':
      return refuse(ErrorCode.REQUEST_TIMED_OUT, error.message);
    case 'tooLarge':
      return refuse(ErrorCode.POLICY_VIOLATION, `${what} would be too much: ${error.message}`);
    case 'nodeExists':
      return refuse(ErrorCode.TOPIC_ALREADY_EXISTS, `${what} was made at the same time`);
    default:
      return refuse(
        ErrorCode.INVALID_REQUEST,
        `${what} was changed at the same time (${error.message})`,
      );
  }
};
