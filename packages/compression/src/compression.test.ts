import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import * as zlib from 'node:zlib';
import { CompressionError } from '@odradek/ports';
import type { Compression, CompressionName } from '@odradek/ports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNodeCompression } from './node.ts';
import { createPortableCompression } from './portable.ts';
import { nativeZstd, wasmZstd } from './zstd.ts';

const node = createNodeCompression();
const wasm = wasmZstd();
const native = nativeZstd(zlib);
const zstdWasm = readFileSync(
  new URL('zstd.wasm', pathToFileURL(createRequire(import.meta.url).resolve('@bokuweb/zstd-wasm'))),
);
const portable = createPortableCompression({ zstdWasm });
await portable.prepare('zstd');

interface Codec {
  compress(bytes: Uint8Array): Uint8Array;
  decompress(bytes: Uint8Array, limitBytes: number): Uint8Array;
}
const codecOf = (name: CompressionName, compression: Compression = node): Codec => ({
  compress: (bytes) => compression.compress(name, bytes),
  decompress: (bytes, limit) => compression.decompress(name, bytes, limit),
});
const codecs: [string, Codec][] = [
  ['gzip', codecOf('gzip')],
  ['snappy', codecOf('snappy')],
  ['lz4', codecOf('lz4')],
  ['zstd', codecOf('zstd')],
  ['zstd in WebAssembly', wasm],
  // The others of the portable ones are the same code.
  ['gzip without a host', codecOf('gzip', portable)],
  ['zstd without a host', codecOf('zstd', portable)],
  ...(native === undefined ? [] : [['zstd of Node', native] satisfies [string, Codec]]),
];

/** Like records: runs that repeat near and far, and some that never do. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 400 }))
        .map(([byte, length]) => new Uint8Array(length).fill(byte)),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 60 }))
        .map(([piece, times]) =>
          Uint8Array.from(
            { length: piece.length * times },
            (_, index) => piece[index % piece.length]!,
          ),
        ),
    ),
    { maxLength: 30 },
  )
  .map((pieces) => new Uint8Array(Buffer.concat(pieces)));

function noise(length: number): Uint8Array {
  let state = 0x2545f491;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}

const kindOf = (work: () => unknown): string => {
  try {
    work();
    return 'taken';
  } catch (error) {
    if (error instanceof CompressionError) return error.kind;
    throw error;
  }
};
const same = (left: Uint8Array, right: Uint8Array) => Buffer.compare(left, right) === 0;

describe.each(codecs)('%s', (name, codec) => {
  it('gives back what it was given, at the limit and not beyond', () => {
    fc.assert(
      fc.property(content, (bytes) => {
        const small = codec.compress(bytes);
        expect(same(codec.decompress(small, bytes.length), bytes)).toBe(true);
        expect(same(codec.decompress(small, 1 << 24), bytes)).toBe(true);
        if (bytes.length > 0)
          expect(kindOf(() => codec.decompress(small, bytes.length - 1))).toBe('tooLarge');
      }),
    );
  });

  it.each([0, 1, 4, 11, 12, 13, 14, 32767, 32768, 32769, 65535, 65536, 65537, 131073])(
    'takes %i bytes, compressible or not',
    (length) => {
      for (const bytes of [
        new Uint8Array(length),
        noise(length),
        noise(length).map((byte) => byte & 3),
      ]) {
        expect(same(codec.decompress(codec.compress(bytes), length), bytes)).toBe(true);
      }
    },
  );

  it('takes 8 MiB', () => {
    const line = noise(500);
    const bytes = new Uint8Array(8 << 20);
    for (let at = 0; at + 500 <= bytes.length; at += 500) bytes.set(line.subarray(at % 499), at);
    const small = codec.compress(bytes);
    expect(small.length).toBeLessThan(bytes.length / 4);
    expect(same(codec.decompress(small, bytes.length), bytes)).toBe(true);
  });

  it('gives bytes that are its own, the same each time', () => {
    const bytes = noise(5000).map((byte) => byte & 15);
    const [once, twice] = [codec.compress(bytes), codec.compress(bytes)];
    codec.compress(noise(70_000));
    expect(same(once, twice)).toBe(true);
    const [out, again] = [codec.decompress(once, 5000), codec.decompress(once, 5000)];
    out.fill(0);
    expect(same(again, bytes)).toBe(true);
  });

  it('finds out what is no such data', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (bytes) => {
        expect(['corrupt', 'tooLarge', 'taken']).toContain(
          kindOf(() => codec.decompress(bytes, 1 << 16)),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('finds out what was cut short', () => {
    const bytes = noise(70_000).map((byte) => byte & 15);
    const small = codec.compress(bytes);
    for (const length of [
      0,
      1,
      5,
      7,
      15,
      16,
      20,
      small.length >> 1,
      small.length - 5,
      small.length - 4,
      small.length - 1,
    ]) {
      const outcome = kindOf(() => {
        if (codec.decompress(small.subarray(0, length), 70_000).length === 70_000)
          throw new Error('too much');
      });
      // LZ4 and zstd of nothing are nothing.
      const isEmpty = length === 0;
      expect([length, outcome]).toEqual([
        length,
        isEmpty && outcome === 'taken' ? 'taken' : 'corrupt',
      ]);
    }
  });

  it('takes or refuses what was altered, within its limit', () => {
    const bytes = noise(3000).map((byte) => byte & 7);
    const small = codec.compress(bytes);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: small.length - 1 }), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 5,
        }),
        (changes) => {
          const altered = small.slice();
          for (const [at, value] of changes) altered[at] = value;
          const outcome = kindOf(() => {
            if (codec.decompress(altered, 4000).length > 4000) throw new Error('past the limit');
          });
          expect(['corrupt', 'tooLarge', 'taken']).toContain(outcome);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('a bomb is refused in little memory', () => {
  const MIB = 1 << 20;
  const repeated = (piece: Uint8Array, times: number) => {
    const bytes = new Uint8Array(piece.length * times);
    for (let index = 0; index < times; index++) bytes.set(piece, index * piece.length);
    return bytes;
  };
  const bombs: [CompressionName, string, () => Uint8Array][] = [
    ['gzip', '1 GiB in members of 1 MiB', () => repeated(zlib.gzipSync(new Uint8Array(MIB)), 1024)],
    ['gzip', '128 MiB in one member', () => zlib.gzipSync(new Uint8Array(128 * MIB))],
    [
      'snappy',
      '256 MiB in a stream of blocks',
      () => {
        const block = node.compress('snappy', new Uint8Array(32768));
        const length = Buffer.alloc(4);
        length.writeUInt32BE(block.length);
        const header = Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1');
        return Buffer.concat([header, repeated(Buffer.concat([length, block]), 8192)]);
      },
    ],
    [
      'snappy',
      'a block that declares 4 GiB',
      () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1),
    ],
    [
      'lz4',
      '1 GiB in blocks of 4 MiB',
      () => {
        // A literal, then a match that repeats it, as long as a block may be.
        const matchBytes = 4 * MIB - 6;
        const block = Buffer.concat([
          Buffer.from([0x1f, 7, 1, 0]),
          Buffer.alloc(Math.floor((matchBytes - 19) / 255), 255),
          Buffer.from([(matchBytes - 19) % 255, 0x50, 1, 2, 3, 4, 5]),
        ]);
        const size = Buffer.alloc(4);
        size.writeUInt32LE(block.length);
        return Buffer.concat([
          Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]),
          repeated(Buffer.concat([size, block]), 256),
          Buffer.alloc(4),
        ]);
      },
    ],
    [
      'zstd',
      '1 GiB in repeated bytes',
      () => {
        const block = (isLast: number) => [
          isLast | 2 | ((131072 << 3) & 0xff),
          ((131072 << 3) >> 8) & 0xff,
          (131072 << 3) >> 16,
          7,
        ];
        return Uint8Array.from([
          0x28,
          0xb5,
          0x2f,
          0xfd,
          0,
          0x58,
          ...Array.from({ length: 8191 }, () => block(0)).flat(),
          ...block(1),
        ]);
      },
    ],
    // A MiB of zeros through the zstd command's standard input, which says no size.
    [
      'zstd',
      '512 MiB that declare nothing',
      () =>
        repeated(
          Buffer.from(
            'KLUv/QRYVAAAEAAAAQD7/znAAgIAEAACABAAAgAQAAIAEAACABAAAgAQAAMAEADxPhbh',
            'base64',
          ),
          512,
        ),
    ],
  ];

  it.each(bombs)('%s: %s', (codec, _, make) => {
    const bomb = make();
    const before = process.memoryUsage().rss;
    expect(kindOf(() => node.decompress(codec, bomb, MIB))).toMatch(/tooLarge|corrupt/);
    expect(kindOf(() => portable.decompress(codec, bomb, MIB))).toMatch(/tooLarge|corrupt/);
    expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(60);
  });

  it('and the lz4 and zstd ones are no mistakes', () => {
    const [, , lz4] = bombs.find(([codec]) => codec === 'lz4')!;
    const [, , zstd] = bombs.find(([codec]) => codec === 'zstd')!;
    expect(kindOf(() => node.decompress('lz4', lz4(), 4 * MIB))).toBe('tooLarge');
    expect(kindOf(() => node.decompress('zstd', zstd(), 4 * MIB))).toBe('tooLarge');
  });
});

describe.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('%s with and without a host', (codec) => {
  it('is the same', () => {
    fc.assert(
      fc.property(content, (bytes) => {
        const { length } = bytes;
        expect(same(portable.decompress(codec, node.compress(codec, bytes), length), bytes)).toBe(
          true,
        );
        expect(same(node.decompress(codec, portable.compress(codec, bytes), length), bytes)).toBe(
          true,
        );
      }),
    );
  });
});

describe('gzip without a host', () => {
  const two = Buffer.concat([zlib.gzipSync('hello '), zlib.gzipSync('world', { level: 0 })]);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

  it('reads members end to end, at once or by pieces', () => {
    expect(text(portable.decompress('gzip', two, 1 << 20))).toBe('hello world');
    expect(text(portable.decompress('gzip', two, 11))).toBe('hello world');
  });

  it('looks at the sums and lengths behind each member', () => {
    const first = zlib.gzipSync('hello ').length;
    for (const at of [first - 8, first - 4, two.length - 8, two.length - 4]) {
      const altered = Uint8Array.from(two);
      altered[at]! ^= 1;
      expect(kindOf(() => portable.decompress('gzip', altered, 1 << 20))).toBe('corrupt');
      expect(kindOf(() => portable.decompress('gzip', altered, 11))).toBe('corrupt');
    }
  });
});

describe('zstd without a host', () => {
  it('says what to do when it was not waited for', () => {
    const fresh = createPortableCompression({ zstdWasm });
    expect(() => fresh.compress('zstd', noise(10))).toThrow("await prepare('zstd')");
    expect(() => fresh.decompress('zstd', noise(10), 10)).toThrow("await prepare('zstd')");
  });

  it('says where it was looked for, and can be asked again', async () => {
    const fresh = createPortableCompression({ zstdWasm: Uint8Array.of(1, 2, 3) });
    for (let attempt = 1; attempt <= 2; attempt += 1)
      await expect(fresh.prepare('zstd')).rejects.toMatchObject({
        kind: 'unsupported',
        message: expect.stringContaining('zstd.wasm'),
        cause: expect.any(Error),
      });
    const nowhere = createPortableCompression({ zstdWasm: 'data:application/wasm,' });
    await expect(nowhere.prepare('zstd')).rejects.toThrow('data:application/wasm,');
  });
});

it('each codec has its own state, and none when it is not used', () => {
  expect(Object.keys(createNodeCompression())).toEqual(['compress', 'decompress']);
});
