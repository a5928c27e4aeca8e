/** What all of an administrator's requests have in common. */
import { ErrorCode, errorInfo } from '@odradek/protocol';
import type { Cluster } from '../cluster.ts';
import { BrokerError } from '../errors.ts';
import type { ErrorPlace } from '../errors.ts';
import { withRetries } from '../retry.ts';

/** How long the broker itself may take. */
export const ADMIN_TIMEOUT_MS = 30_000;

/** Who administers does not wait for a topic to appear, although Kafka's table calls that retriable. */
export const missing = (errorCode: number): { readonly retriable?: false } =>
  errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION ? { retriable: false } : {};

/** Throws when `code` is an error, with the table's sentence unless the broker said more. */
export function check(code: number, place: ErrorPlace): void {
  if (code !== 0)
    throw new BrokerError(code, { ...place, detail: place.detail || errorInfo(code).message });
}

/** Looks for the controller again when it has moved, or cannot be reached: it may be another one by now. */
export const asController = <T>(cluster: Cluster, attempt: () => Promise<T>): Promise<T> =>
  withRetries(cluster.host, cluster.retry, async () => {
    try {
      return await attempt();
    } catch (error) {
      const isReached = error instanceof BrokerError && error.code !== ErrorCode.NOT_CONTROLLER;
      if (!isReached) cluster.forgetController();
      throw error;
    }
  });
