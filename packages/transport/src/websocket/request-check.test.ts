import { describe, expect, it } from 'vitest';
import { createHostCheck, createOriginCheck, isLoopback } from './request-check.ts';

describe('a listed origin of any port', () => {
  const judge = createOriginCheck(['http://localhost:*']);

  it.each(['http://localhost', 'http://localhost:5173'])('lets in %s', (origin) => {
    expect(judge(origin, '127.0.0.1:9094')).toEqual({ allowed: true });
  });

  it.each(['https://localhost:5173', 'http://localhost.evil.com', 'http://evil.com:5173'])(
    'refuses %s',
    (origin) => {
      expect(judge(origin, '127.0.0.1:9094').allowed).toBe(false);
    },
  );
});

describe('who may open a WebSocket', () => {
  const judge = createOriginCheck([
    'https://app.example.com',
    'http://localhost:5173',
    'chrome-extension://abcdef',
  ]);

  it.each([
    ['a program that is no browser', undefined, 'localhost:9094'],
    ['a listed page', 'https://app.example.com', 'localhost:9094'],
    [
      'a listed page, whatever the case and the spelt-out port',
      'https://App.Example.com:443',
      'localhost:9094',
    ],
    ['a listed page with a port', 'http://localhost:5173', 'localhost:9094'],
    ['a listed extension', 'chrome-extension://abcdef', 'localhost:9094'],
    ['our own page', 'http://localhost:9094', 'localhost:9094'],
    ['our own page on IPv6', 'http://[::1]:9094', '[::1]:9094'],
    [
      'our own page behind a proxy that ends TLS',
      'https://broker.example.com',
      'broker.example.com',
    ],
  ])('lets in %s', (_, origin, host) => {
    expect(judge(origin, host)).toEqual({ allowed: true });
  });

  it.each([
    ['a page that is not listed', 'https://evil.example.com', 'localhost:9094'],
    ['a sandboxed or local page', 'null', 'localhost:9094'],
    ['the right host on another port', 'http://localhost:8000', 'localhost:9094'],
    ['the right host by another scheme', 'http://app.example.com', 'localhost:9094'],
    ['a longer name', 'https://app.example.com.evil.com', 'localhost:9094'],
    ['a name with a user before it', 'https://app.example.com@evil.com', 'localhost:9094'],
    ['two origins in one', 'https://app.example.com, https://evil.com', 'localhost:9094'],
    ['an address with a path', 'https://app.example.com/evil', 'localhost:9094'],
    ['nonsense', '\u0000', 'localhost:9094'],
    ['nothing', '', 'localhost:9094'],
    ['a foreign scheme that names the host', 'ftp://localhost:9094', 'localhost:9094'],
    ['a page when there is no host to compare with', 'http://localhost:9094', undefined],
  ])('refuses %s', (_, origin, host) => {
    expect(judge(origin, host)).toMatchObject({ allowed: false });
  });

  it('says which origin it was, on one short line', () => {
    expect(judge('https://evil.example.com', 'localhost:9094')).toEqual({
      allowed: false,
      reason: 'the Origin "https://evil.example.com" is not on the list',
    });
    const verdict = judge(`https://${'x'.repeat(500)}\n`, 'localhost:9094');
    expect(verdict.allowed ? '' : verdict.reason).toMatch(/^.{1,160}$/);
  });

  it('lets in everyone with *', () => {
    const open = createOriginCheck(['*']);
    for (const origin of ['null', 'https://evil.example.com', undefined])
      expect(open(origin, 'localhost')).toEqual({ allowed: true });
  });

  it.each(['app.example.com', 'https://app.example.com/path', 'null', ''])(
    'takes no list with %j in it',
    (entry) => {
      expect(() => createOriginCheck([entry])).toThrow(/is not an origin/);
    },
  );
});

describe('by which name a listener on loopback may be called', () => {
  const judge = createHostCheck('127.0.0.1', ['Broker.test']);

  it.each([
    'localhost:9094',
    'LOCALHOST',
    '127.0.0.1:9094',
    '[::1]:9094',
    'app.localhost:1',
    'broker.test:9094',
    '10.0.0.5:9094',
  ])('answers to %s', (host) => {
    expect(judge(host)).toEqual({ allowed: true });
  });

  it.each([
    'evil.example.com:9094',
    'localhost.evil.com',
    '127.0.0.1.evil.com',
    '',
    undefined,
    'a b',
    'localhost/x',
    'user@localhost',
  ])('does not answer to %s', (host) => {
    expect(judge(host)).toMatchObject({ allowed: false });
  });

  it('answers to every name when it is bound elsewhere', () => {
    for (const bound of ['0.0.0.0', '::', '10.0.0.5', 'broker.example.com'])
      expect(createHostCheck(bound)('whatever.example.com')).toEqual({ allowed: true });
  });

  it.each(['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost'])(
    'knows %s for loopback',
    (host) => {
      expect(isLoopback(host)).toBe(true);
    },
  );

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com'])(
    'knows that %s is not',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});
