import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBrokerConfig } from './broker-config.ts';
import { parseEnvironment } from './environment.ts';
import { formatListener, parseListener } from './listeners.ts';
import { parseProperties } from './properties.ts';

const pairs = (text: string): readonly (readonly [string, string])[] =>
  parseProperties(text, 'f').map(({ key, value }) => [key, value]);

describe('a .properties file', () => {
  it.each([
    ['a=b', [['a', 'b']]],
    ['  a = b ', [['a', 'b ']]],
    [
      'a:b\na b\na\tb',
      [
        ['a', 'b'],
        ['a', 'b'],
        ['a', 'b'],
      ],
    ],
    ['# no\n! no\n\n   # no\na=b', [['a', 'b']]],
    [
      'a=b\\\n   c\nd=e',
      [
        ['a', 'bc'],
        ['d', 'e'],
      ],
    ],
    [
      'a=b\\\\\nc=d',
      [
        ['a', 'b\\'],
        ['c', 'd'],
      ],
    ],
    ['a\\=b=c', [['a=b', 'c']]],
    ['a=\\u0041\\t!', [['a', 'A\t!']]],
    ['a=x=y', [['a', 'x=y']]],
    ['a', [['a', '']]],
    [
      '\uFEFFa=b\r\nc=d\r\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['a=b\\', [['a', 'b']]],
  ])('%j', (text, expected) => {
    expect(pairs(text)).toEqual(expected);
  });

  it('tells the line where an entry begins', () => {
    expect(
      parseProperties('\n# x\na=1\\\n2\nb=3', 'server.properties').map(({ origin }) => origin),
    ).toEqual(['server.properties line 3', 'server.properties line 5']);
  });

  it('gives back whatever was escaped as Java does it', () => {
    const escape = (text: string): string =>
      text.replace(
        /[\\=:#!\s]/g,
        (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (key, value) => {
        expect(pairs(`${escape(key)}=${escape(value)}`)).toEqual([[key, value]]);
      }),
    );
  });
});

describe('configuration from the environment', () => {
  it('knows each key by its name in capitals, ours without prefix', () => {
    expect(
      parseEnvironment(
        { ODRADEK_LOG_RETENTION_MS: '1', ODRADEK_MAX_GROUPS: '2', ODRADEK_BROKERS: 'x', PATH: 'y' },
        ['ODRADEK_BROKERS'],
      ),
    ).toEqual([
      { key: 'log.retention.ms', value: '1', origin: 'ODRADEK_LOG_RETENTION_MS' },
      { key: 'odradek.max.groups', value: '2', origin: 'ODRADEK_MAX_GROUPS' },
    ]);
  });

  it('is refused by name when it is no key', () => {
    const { problems } = parseBrokerConfig(parseEnvironment({ ODRADEK_LOG_RETENTION_M: '1' }));
    expect(problems).toEqual([
      {
        severity: 'error',
        key: 'log.retention.m',
        origin: 'ODRADEK_LOG_RETENTION_M',
        message: 'log.retention.m is not a configuration key; did you mean log.retention.ms?',
      },
    ]);
  });
});

describe('a listener', () => {
  it.each([
    'PLAINTEXT://127.0.0.1:9092',
    'WS://[::1]:0',
    'A_1://:9092',
    'X://host.example.org:65535',
  ])('%s is read and written', (text) => {
    const listener = parseListener(text);
    expect(listener && formatListener(listener)).toBe(text);
  });

  it.each([
    'PLAINTEXT://host',
    'host:9092',
    'X://host:99999',
    'X://::1:9092',
    'X//h:1',
    '://h:1',
    'X://a b:1:2',
  ])('%s is none', (text) => {
    expect(parseListener(text)).toBeUndefined();
  });
});
