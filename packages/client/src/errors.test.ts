import { describe, expect, it } from 'vitest';
import { ErrorCode, errorInfo } from '@odradek/protocol';
import { BrokerError, NoBrokerReachable, check, formatEndpoint, isRetriable } from './errors.ts';

/** Those whose exceptions are retriable in Kafka 4.2's own client. */
const RETRIABLE = [
  2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89,
  100, 103, 106, 122, 123, 133,
];
const codes = Object.entries(ErrorCode).filter(([, code]) => code !== ErrorCode.NONE);

describe("a broker's error", () => {
  it.each(codes)('%s tells its name, and whether trying again may help', (name, code) => {
    const error = new BrokerError(code, { topic: 't', partition: 1, broker: 'b:9092' });
    expect(error).toMatchObject({
      name: 'BrokerError',
      code,
      errorName: name,
      retriable: RETRIABLE.includes(code),
      topic: 't',
      partition: 1,
      broker: 'b:9092',
    });
    expect(error.retriable).toBe(errorInfo(code).retriable);
    expect(error.message).toMatch(new RegExp(`^t-1: .*${name}`));
  });

  it('says what the broker said, when it said something, and whose affair it was', () => {
    expect(new BrokerError(3, { api: 'CreateTopics', detail: 'no, thanks' }).message).toBe(
      'CreateTopics: no, thanks (UNKNOWN_TOPIC_OR_PARTITION)',
    );
    expect(new BrokerError(3, { topic: 't', retriable: false }).retriable).toBe(false);
    expect(() => check(3, { topic: 't' })).toThrow('t: ');
    expect(() => check(0)).not.toThrow();
  });

  it('may be of a code that nobody knows yet', () => {
    const error = new BrokerError(9999);
    expect(error.retriable).toBe(false);
    expect(error.message).toContain('9999');
  });
});

describe('errors', () => {
  it('are worth another try only when they say so', () => {
    expect(isRetriable(new NoBrokerReachable('nobody'))).toBe(true);
    expect(isRetriable(new NoBrokerReachable('a web server', { retriable: false }))).toBe(false);
    expect(isRetriable(new Error('a mistake in the program'))).toBe(false);
  });

  it('write addresses as one would type them', () => {
    expect(formatEndpoint({ host: '::1', port: 9092 })).toBe('[::1]:9092');
    expect(formatEndpoint({ host: 'localhost', port: 9092 })).toBe('localhost:9092');
  });
});
