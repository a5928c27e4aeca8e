import { afterEach, describe, expect, it, vi } from 'vitest';
import { CompressionError } from '@odradek/ports';
import { createBrowserClientHost } from './client-host.ts';
import type { BrowserClientHostOptions } from './client-host.ts';

describe("a browser client's host", () => {
  afterEach(() => vi.unstubAllGlobals());

  /** Where it would connect to. */
  const dialled = (options: BrowserClientHostOptions, pageOrigin = origin): string => {
    let url = '';
    class Silent {
      constructor(to: string) {
        url = to;
      }
      addEventListener(): void {}
      close(): void {}
    }
    vi.stubGlobal('WebSocket', Silent);
    vi.stubGlobal('origin', pageOrigin);
    createBrowserClientHost(options)
      .dial({ host: 'example.org', port: 9094 }, AbortSignal.timeout(1))
      .catch(() => {});
    return url;
  };

  it('dials as the page came, unless it is told', () => {
    expect(dialled({})).toBe('ws://example.org:9094/kafka');
    expect(dialled({}, 'https://app.example.org')).toBe('wss://example.org:9094/kafka');
    expect(dialled({ secure: false }, 'https://app.example.org')).toBe(
      'ws://example.org:9094/kafka',
    );
    expect(dialled({ secure: true, path: '/events' })).toBe('wss://example.org:9094/events');
  });

  it('makes nothing of a codec before it was waited for', async () => {
    const { compression } = createBrowserClientHost();
    const bytes = new TextEncoder().encode('again and again and again');
    expect(() => compression.compress('gzip', bytes)).toThrow("await prepare('gzip')");
    expect(() => compression.decompress('lz4', bytes, 100)).toThrow(CompressionError);
    await Promise.all([compression.prepare!('gzip'), compression.prepare!('gzip')]);
    expect(compression.decompress('gzip', compression.compress('gzip', bytes), 100)).toEqual(bytes);
    expect(() => compression.compress('zstd', bytes)).toThrow("await prepare('zstd')");
  });

  it('takes another checksum', () => {
    const crc32c = (): number => 7;
    expect(createBrowserClientHost({ crc32c }).crc32c).toBe(crc32c);
  });
});
