import { describe, expect, it } from 'vitest';
import { ErrorCode } from './error-codes.ts';
import { errorInfo } from './errors.ts';

describe('the error table', () => {
  it('has a row for each code, under its name', () => {
    const codes = Object.entries(ErrorCode);
    expect(codes.map(([, code]) => code)).toEqual(codes.map((_, i) => i - 1));
    for (const [name, code] of codes) expect(errorInfo(code)).toMatchObject({ name, code });
    expect(codes.at(-1)).toEqual(['SHARE_SESSION_LIMIT_REACHED', 133]);
  });

  it('says what may be tried again', () => {
    expect(errorInfo(ErrorCode.NOT_LEADER_OR_FOLLOWER).retriable).toBe(true);
    expect(errorInfo(ErrorCode.OFFSET_OUT_OF_RANGE).retriable).toBe(false);
    expect(errorInfo(ErrorCode.NONE).retriable).toBe(false);
  });

  it('reads a code of the future as an unknown error', () => {
    for (const code of [134, 32_767, -2]) {
      expect(errorInfo(code)).toMatchObject({
        name: 'UNKNOWN_SERVER_ERROR',
        code,
        retriable: false,
      });
    }
  });
});
