import { describe, expect, it } from 'vitest';
import { parseBrokers } from './brokers.ts';

const tcp = { kind: 'tcp' };

describe('addresses of brokers', () => {
  it.each([
    ['localhost', tcp, [['localhost', 9092]]],
    [
      'a:1, b:2',
      tcp,
      [
        ['a', 1],
        ['b', 2],
      ],
    ],
    ['[::1]:9093', tcp, [['::1', 9093]]],
    ['ws://h', { kind: 'websocket', path: '/kafka', secure: false }, [['h', 9094]]],
    ['ws://h:80/kafka', { kind: 'websocket', path: '/kafka', secure: false }, [['h', 80]]],
    ['ws://[::1]:1/p', { kind: 'websocket', path: '/p', secure: false }, [['::1', 1]]],
    ['wss://h/x', { kind: 'websocket', path: '/x', secure: true }, [['h', 443]]],
    [
      'wss://h:8443,wss://i',
      { kind: 'websocket', path: '/kafka', secure: true },
      [
        ['h', 8443],
        ['i', 443],
      ],
    ],
  ])('%s', (text, link, endpoints) => {
    expect(parseBrokers(text)).toEqual({
      link,
      endpoints: endpoints.map(([host, port]) => ({ host, port })),
    });
  });

  it.each(['', 'a:b', 'a:99999', 'http://h', 'ws://', 'a:1,ws://b', 'ws://a/x,ws://b/y'])(
    '%j are refused',
    (text) => {
      expect(() => parseBrokers(text)).toThrow(/is not|are reached in one way/);
    },
  );
});
