import { describe, expect, it } from 'vitest';
import type { ConfigEntry } from '@odradek/broker';
import { applyListenerFlags } from './listener-flags.ts';
import type { ListenerFlags } from './listener-flags.ts';

const entry = (key: string, value: string): ConfigEntry => ({ key, value, origin: 'file' });
const listeners = (flags: ListenerFlags, ...entries: readonly ConfigEntry[]): string | undefined =>
  applyListenerFlags(entries, flags).findLast(({ key }) => key === 'listeners')?.value;

describe('flags for listeners', () => {
  it.each<[ListenerFlags, string]>([
    [{ port: 0 }, 'PLAINTEXT://127.0.0.1:0,WS://127.0.0.1:9094'],
    [{ port: 1, httpPort: 2 }, 'PLAINTEXT://127.0.0.1:1,WS://127.0.0.1:2'],
    [{ host: '0.0.0.0' }, 'PLAINTEXT://0.0.0.0:9092,WS://0.0.0.0:9094'],
    [{ host: '::1', port: 1 }, 'PLAINTEXT://[::1]:1,WS://[::1]:9094'],
    [{ httpPort: false }, 'PLAINTEXT://127.0.0.1:9092'],
  ])('%j moves the listeners that are there by default', (flags, expected) => {
    expect(listeners(flags)).toBe(expected);
  });

  it('say nothing when none is given', () => {
    expect(applyListenerFlags([], {})).toEqual([]);
  });

  it('change only the first listener of their kind, by its protocol', () => {
    const written = [
      entry('listeners', 'INSIDE://:9092, OUTSIDE://:9093,CONTROLLER://:9095'),
      entry('listener.security.protocol.map', 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT'),
    ];
    expect(listeners({ port: 1 }, ...written)).toBe(
      'INSIDE://:1,OUTSIDE://:9093,CONTROLLER://:9095',
    );
  });

  it('add a listener where the configuration has none of that kind', () => {
    expect(listeners({ httpPort: 9094 }, entry('listeners', 'PLAINTEXT://:9092'))).toBe(
      'PLAINTEXT://:9092,WS://127.0.0.1:9094',
    );
  });

  it('leave what cannot be read to be refused by name', () => {
    expect(listeners({ port: 1 }, entry('listeners', 'nonsense'))).toBe('nonsense');
  });

  it('tell where the change comes from', () => {
    expect(applyListenerFlags([], { host: 'h', httpPort: false }).at(-1)?.origin).toBe(
      '--host --no-http',
    );
  });
});
