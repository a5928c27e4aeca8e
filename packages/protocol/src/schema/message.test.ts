import { describe, expect, expectTypeOf, it } from 'vitest';
import { MalformedFrame } from '../bytes/malformed-frame.ts';
import { UnencodableValue } from '../bytes/writer.ts';
import { array, bytes, int16, int32, int64, int8, records, string, struct } from './fields.ts';
import { type Body, decode, encode, type Input, message } from './message.ts';

const shopping = message({ name: 'Shopping', versions: [0, 4], flexible: 3 }, () => ({
  who: string(),
  shop: string({ since: 1, nullable: 2, default: 'corner' }),
  cash: int32({ until: 2, default: -1 }),
  items: array({ name: string(), count: int16({ since: 1, default: 1 }) }),
  note: string({ nullable: true }),
  urgent: int8({ since: 3, tag: 1 }),
  route: struct({ length: int32({ default: -1 }), via: array(string()) }, { since: 4, tag: 0 }),
  bag: struct({ size: int64() }, { since: 1, nullable: true, default: null }),
}));

const list = { who: 'me', items: [{ name: 'tea' }], note: null };

function hex(version: number, body: Input<typeof shopping>): string {
  return Buffer.concat(encode(shopping, version, body)).toString('hex');
}

function read(version: number, digits: string): Body<typeof shopping> {
  return decode(shopping, version, Buffer.from(digits.replaceAll(' ', ''), 'hex'));
}

describe('a declared message', () => {
  it('does nothing until a version is used, and compiles that once', () => {
    let made = 0;
    const lazy = message({ name: 'Lazy', versions: [0, 1] }, () => {
      made++;
      return { value: int8() };
    });
    expect(made).toBe(0);
    encode(lazy, 0, { value: 1 });
    decode(lazy, 0, Uint8Array.of(1));
    expect(made).toBe(1);
  });

  it('has only the versions that it says', () => {
    for (const version of [-1, 5, 0.5, Number.NaN]) {
      expect(() => encode(shopping, version, list)).toThrow(RangeError);
    }
    expect(() => decode(shopping, 5, new Uint8Array(9))).toThrow(
      'Shopping has versions 0 to 4, not 5',
    );
  });

  it('gives bodies of one type, and asks encoders for what has no default', () => {
    expectTypeOf<Body<typeof shopping>>().toEqualTypeOf<{
      readonly who: string;
      readonly shop: string | null;
      readonly cash: number;
      readonly items: readonly { readonly name: string; readonly count: number }[];
      readonly note: string | null;
      readonly urgent: number;
      readonly route: { readonly length: number; readonly via: readonly string[] };
      readonly bag: { readonly size: number } | null;
    }>();
    expectTypeOf<Body<typeof shopping>>().toExtend<Input<typeof shopping>>();
    // @ts-expect-error: note may be null, but somebody must say so
    expect(() => encode(shopping, 0, { who: 'me', items: [] })).toThrow(UnencodableValue);
  });
});

describe('versions', () => {
  it('write the fields they have, and defaults for what was left out', () => {
    expect(hex(0, list)).toBe('00026d65 ffffffff 00000001 0003746561 ffff'.replaceAll(' ', ''));
    expect(hex(1, list)).toBe(
      '00026d65 0006636f726e6572 ffffffff 00000001 0003746561 0001 ffff ff'.replaceAll(' ', ''),
    );
    expect(hex(3, list)).toBe(
      '036d65 07636f726e6572 02 04746561 0001 00 00 ff 00'.replaceAll(' ', ''),
    );
  });

  it('read the fields they have, and defaults for the others', () => {
    const absent = { shop: 'corner', urgent: 0, route: { length: -1, via: [] }, bag: null };
    expect(read(0, '00026d65 00000007 00000000 ffff')).toEqual({
      ...absent,
      who: 'me',
      cash: 7,
      items: [],
      note: null,
    });
    expect(read(4, '036d65 07636f726e6572 01 00 ff 00')).toEqual({
      ...absent,
      who: 'me',
      cash: -1,
      items: [],
      note: null,
    });
  });

  it('give bodies of the same fields in the same order', () => {
    const old = read(0, '00026d65 00000007 00000000 ffff');
    const young = read(4, '036d65 07636f726e6572 01 00 ff 00');
    expect(Object.keys(old)).toEqual(Object.keys(young));
  });

  it('allow null from where they say', () => {
    expect(() => hex(1, { ...list, shop: null })).toThrow('null where a string must be');
    expect(() => read(1, '00026d65 ffff')).toThrow(MalformedFrame);
    expect(hex(2, { ...list, shop: null })).toContain('6d65ffff');
    expect(read(2, '00026d65 ffff 00000007 00000000 ffff ff').shop).toBeNull();
    expect(() => read(3, '036d65 00 00 00 ff 00')).toThrow('null where an array must be');
  });
});

describe('a struct that may be null', () => {
  it('is announced by a byte, in compact encodings too', () => {
    const body = { ...list, items: [], bag: { size: 5 } };
    expect(hex(2, body)).toMatch(/ffff010000000000000005$/);
    expect(hex(3, body).endsWith('01' + '0000000000000005' + '00' + '00')).toBe(true);
    expect(read(3, hex(3, body)).bag).toEqual({ size: 5 });
  });
});

describe('tagged fields', () => {
  const untagged = '036d65 07636f726e6572 01 00 ff';

  it('are sent in the order of their tags when they are not the default', () => {
    const body = { ...list, items: [], urgent: 9, route: { length: 5, via: ['x'] } };
    expect(hex(4, body)).toBe(
      `${untagged} 02  00 08 00000005 02 0278 00  01 01 09`.replaceAll(' ', ''),
    );
    expect(hex(4, { ...body, route: { via: [] } })).toBe(
      `${untagged} 01 01 01 09`.replaceAll(' ', ''),
    );
    expect(hex(4, { ...body, urgent: 0, route: { length: -1, via: [] } })).toBe(
      `${untagged} 00`.replaceAll(' ', ''),
    );
  });

  it('that are unknown, or belong to another version, are stepped over', () => {
    expect(read(4, `${untagged} 02  63 03 010203  01 01 09`)).toMatchObject({ urgent: 9 });
    expect(read(3, `${untagged} 01  00 08 00000005 02 0278 00`).route.length).toBe(-1);
  });

  it('must be as long as they say', () => {
    expect(() => read(4, `${untagged} 01 01 02 0900`)).toThrow('1 bytes too many');
    expect(() => read(4, `${untagged} 01 00 02 00000005`)).toThrow(MalformedFrame);
    expect(() => read(4, `${untagged} 01 63 05 00`)).toThrow(MalformedFrame);
    expect(() => read(4, `${untagged} 7f`)).toThrow('127 tagged fields where 0 bytes are left');
  });
});

describe('a value that does not fit', () => {
  it('is told with its place', () => {
    const items = [{ name: 'tea' }, { name: 'jam', count: 40_000 }];
    expect(() => hex(2, { ...list, items })).toThrow(
      'Shopping v2: items: 1: count: 40000 is no int16',
    );
  });
});

describe('a declared count', () => {
  const nested = message({ name: 'Nested', versions: [0, 1], flexible: 1 }, () => ({
    outer: array({ id: int64(), inner: array({ name: string(), value: bytes() }) }),
  }));

  it('is held against the smallest element there can be', () => {
    const claim = (version: number, text: string): string => {
      try {
        decode(nested, version, Buffer.from(text.replaceAll(' ', ''), 'hex'));
        return 'read';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(claim(0, '00000002 0000000000000001 00000000 00')).toContain(
      'at least 12 bytes where 13',
    );
    expect(claim(1, '03 0000000000000001 01 00 00')).toContain('at least 10 bytes where 11');
    expect(claim(0, '00000001 0000000000000001 00000002 0000')).toContain(
      'at least 6 bytes where 2',
    );
  });
});

describe('records', () => {
  it('may be given in pieces, which are not copied', () => {
    const produce = message({ name: 'Pieces', versions: [0, 0] }, () => ({
      batches: records({ nullable: true }),
    }));
    const pieces = [new Uint8Array(2000).fill(1), Uint8Array.of(2)];
    const chunks = encode(produce, 0, { batches: pieces });
    expect(chunks[1]).toBe(pieces[0]);
    const whole = Buffer.concat(chunks);
    const body = decode(produce, 0, whole);
    expect(body.batches!.length).toBe(2001);
    expect(body.batches!.buffer).toBe(whole.buffer);
    expect(decode(produce, 0, Uint8Array.of(255, 255, 255, 255)).batches).toBeNull();
    expect(() => encode(produce, 0, { batches: 'text' as never })).toThrow(UnencodableValue);
  });
});
