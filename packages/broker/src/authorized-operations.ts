/**
 * Bit fields of what the asker may do (KIP-430): bit n stands for Kafka's AclOperation n. Without an authorizer everybody
 * may do everything that exists for the kind of resource.
 */
const bits = (operations: readonly number[]): number =>
  operations.reduce((sum, it) => sum + 2 ** it, 0);

const [
  READ,
  WRITE,
  CREATE,
  DELETE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
] = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/** The asker did not want to know. */
export const OPERATIONS_NOT_ASKED = -2147483648;

export const TOPIC_OPERATIONS: number = bits([
  READ!,
  WRITE!,
  CREATE!,
  DELETE!,
  ALTER!,
  DESCRIBE!,
  DESCRIBE_CONFIGS!,
  ALTER_CONFIGS!,
]);
export const CLUSTER_OPERATIONS: number = bits([
  CREATE!,
  ALTER!,
  DESCRIBE!,
  CLUSTER_ACTION!,
  DESCRIBE_CONFIGS!,
  ALTER_CONFIGS!,
  IDEMPOTENT_WRITE!,
]);
