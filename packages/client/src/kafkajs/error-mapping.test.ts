import { createRequire } from 'node:module';
import { ErrorCode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import * as own from '../errors.ts';
import { afterRetries, isRebalancing, toKafkaJS, typeOf } from './error-mapping.ts';
import * as errors from './errors.ts';
import { planRetries } from './retry-plan.ts';

interface KafkaJSCode {
  readonly type: string;
  readonly code: number;
  readonly retriable: boolean;
}
const { errorCodes } = createRequire(import.meta.url)('kafkajs/src/protocol/error') as {
  readonly errorCodes: readonly KafkaJSCode[];
};
const plan = planRetries({ retries: 3, initialRetryTime: 10 });

describe('errors in KafkaJS’s words', () => {
  it('have its types and its opinion of trying again, for every code that it knows', () => {
    const mapped = errorCodes.map(({ code }) => {
      const error = toKafkaJS(new own.BrokerError(code)) as errors.KafkaJSProtocolError;
      return { type: error.type, code: error.code, retriable: error.retriable };
    });
    expect(mapped).toEqual(
      errorCodes.map(({ type, code, retriable }) => ({ type, code, retriable })),
    );
    // Those that came later keep Kafka's name.
    expect(typeOf(ErrorCode.FENCED_MEMBER_EPOCH)).toBe('FENCED_MEMBER_EPOCH');
  });

  it.each([
    [new own.ConnectionLost('gone', { broker: 'a:1' }), 'KafkaJSConnectionError'],
    [new own.NoBrokerReachable('none'), 'KafkaJSConnectionError'],
    [new own.RequestTimedOut('late', { broker: 'a:1' }), 'KafkaJSRequestTimeoutError'],
    [new own.UnsupportedApi('old'), 'KafkaJSServerDoesNotSupportApiKey'],
    [new own.RecordTooLarge('large'), 'KafkaJSProtocolError'],
    [new own.NoOffset('none'), 'KafkaJSProtocolError'],
    [new own.BufferFull('full'), 'KafkaJSError'],
    [new Error('anything'), 'KafkaJSNonRetriableError'],
  ])('%o is a %s, with what was met as its cause', (error, name) => {
    const mapped = toKafkaJS(error);
    expect(mapped.name).toBe(name);
    expect(mapped.cause).toBe(error);
    expect(mapped).toBeInstanceOf(errors.KafkaJSError);
  });

  it('tell that all retries were in vain, or that there was no use in any', () => {
    const inVain = afterRetries(new own.NoBrokerReachable('none'), plan);
    expect(inVain).toBeInstanceOf(errors.KafkaJSNumberOfRetriesExceeded);
    expect(inVain).toMatchObject({ retryCount: 3, cause: { name: 'KafkaJSConnectionError' } });
    const noUse = afterRetries(new own.BrokerError(ErrorCode.MESSAGE_TOO_LARGE), plan);
    expect(noUse.name).toBe('KafkaJSNonRetriableError');
    expect(noUse.cause).toMatchObject({ type: 'MESSAGE_TOO_LARGE', code: 10 });
    const late = new own.DeliveryTimedOut('late', {
      cause: new own.BrokerError(ErrorCode.NOT_ENOUGH_REPLICAS),
    });
    expect(afterRetries(late, plan)).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: { type: 'NOT_ENOUGH_REPLICAS' },
    });
    // What the face said itself stays as it is.
    const said = new errors.KafkaJSDeleteGroupsError('groups');
    expect(afterRetries(said, plan)).toBe(said);
  });

  it('know a rebalance from a failure', () => {
    const lost = new own.CommitFailed('lost', {
      cause: new own.BrokerError(ErrorCode.ILLEGAL_GENERATION),
    });
    expect(isRebalancing(toKafkaJS(lost))).toBe(true);
    expect(isRebalancing(toKafkaJS(new own.BrokerError(ErrorCode.INVALID_GROUP_ID)))).toBe(false);
  });
});
