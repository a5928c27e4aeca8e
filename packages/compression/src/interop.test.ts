/** What other programs write is read, and what we write they read. The samples are of the lz4 1.9.4 and zstd 1.5.4 commands. */
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  lz4Compress,
  lz4Decompress,
  snappyCompress,
  snappyDecompress,
} from '@platformatic/wasm-utils';
import lz4 from 'lz4-napi';
import { describe, expect, it } from 'vitest';
// @ts-expect-error kafkajs has no types for its inner parts.
import { lookupCodec } from 'kafkajs/src/protocol/message/compression/index.js';
// @ts-expect-error It has no types.
import snappyjs from 'snappyjs';
import { CompressionError } from '@odradek/ports';
import { createNodeCompression } from './node.ts';
import { wasmZstd } from './zstd.ts';

const { compress, decompress } = createNodeCompression();
const base64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const fs = (count: number) => '/'.repeat(count);

const hello = 'hello hello hello hello world\n';
const repeated = 'abcdefghij'.repeat(14_000);
const samples: [string, Uint8Array][] = [
  ['nothing', Buffer.from('')],
  ['hello', Buffer.from(hello)],
  ['repeated', Buffer.from(repeated)],
  [
    'lines',
    Buffer.from(
      Array.from(
        { length: 9000 },
        (_, index) => `record ${(index * 7919) % 1000} of ${index % 13}`,
      ).join('\n'),
    ),
  ],
  [
    'digits',
    Uint8Array.from({ length: 100_000 }, (_, index) => (index * index * 2654435761) >>> 13),
  ],
];

describe('gzip', () => {
  it('of the gzip command', () => {
    expect(
      text(decompress('gzip', base64('H4sIAAAAAAAAA8tIzcnJV8jAIMvzi3JSuADgUzONHgAAAA=='), 100)),
    ).toBe(hello);
  });

  it('of several members', () => {
    expect(
      text(decompress('gzip', Buffer.concat([gzipSync('hello '), gzipSync('world')]), 11)),
    ).toBe('hello world');
  });

  it.each(samples)('of kafkajs, both ways: %s', async (_, bytes) => {
    const codec = lookupCodec(1);
    expect(
      text(decompress('gzip', await codec.compress({ buffer: Buffer.from(bytes) }), 1 << 20)),
    ).toBe(text(bytes));
    expect(text(await codec.decompress(Buffer.from(compress('gzip', bytes))))).toBe(text(bytes));
    expect(text(gunzipSync(compress('gzip', bytes)))).toBe(text(bytes));
  });
});

describe('snappy', () => {
  // A literal "abcd", then a copy of two bytes' description, as format_description.txt has them.
  const block = [0x0c, 0x0c, 0x61, 0x62, 0x63, 0x64, 0x11, 0x04];
  const header = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1];
  const sized = (...bytes: number[]) => [
    0,
    bytes.length >> 16,
    bytes.length >> 8,
    bytes.length,
    ...bytes,
  ];

  it('bare, as librdkafka writes it', () => {
    expect(text(decompress('snappy', Uint8Array.from(block), 12))).toBe('abcdabcdabcd');
  });

  it('as a stream of blocks, as Java writes it', () => {
    expect(
      text(
        decompress(
          'snappy',
          Uint8Array.from([...header, ...sized(...block), ...sized(...block)]),
          24,
        ),
      ),
    ).toBe('abcdabcdabcdabcdabcdabcd');
  });

  it('as two streams end to end', () => {
    expect(
      text(
        decompress(
          'snappy',
          Uint8Array.from([...header, ...sized(...block), ...header, ...sized(...block)]),
          24,
        ),
      ),
    ).toBe('abcdabcdabcdabcdabcdabcd');
  });

  it('is written as one bare block, which every client reads', () => {
    expect([...compress('snappy', Buffer.from('abc'))]).toEqual([3, 2 << 2, 0x61, 0x62, 0x63]);
  });

  it.each(samples)('in a stream of blocks, as Java writes it: %s', (_, bytes) => {
    const stream = [...header];
    for (let at = 0; at < bytes.length; at += 32_768)
      stream.push(...sized(...compress('snappy', bytes.subarray(at, at + 32_768))));
    expect(text(decompress('snappy', Uint8Array.from(stream), bytes.length))).toBe(text(bytes));
  });

  it('with copies of every kind, and lengths in one to four bytes', () => {
    const far = [...Array(70_000).keys()].map((index) => index % 251);
    const fourByteCopy = [
      0x80 | (70_003 & 0x7f),
      0x80 | ((70_003 >> 7) & 0x7f),
      70_003 >> 14,
      62 << 2,
      69_999 & 0xff,
      (69_999 >> 8) & 0xff,
      69_999 >> 16,
      ...far,
      (2 << 2) | 3,
      70_000 & 0xff,
      (70_000 >> 8) & 0xff,
      70_000 >> 16,
      0,
    ];
    expect([
      ...decompress('snappy', Uint8Array.from(fourByteCopy), 70_003).subarray(70_000),
    ]).toEqual([0, 1, 2]);
    const fourByteLength = [3, 63 << 2, 2, 0, 0, 0, 7, 8, 9];
    expect([...decompress('snappy', Uint8Array.from(fourByteLength), 3)]).toEqual([7, 8, 9]);
  });

  it.each<[string, number[]]>([
    ['a literal of 4 GiB', [3, 63 << 2, 0xfa, 0xff, 0xff, 0xff, 1, 2, 3]],
    ['a copy from before the start', [8, 0, 7, 0x0d, 2]],
    ['a copy from nowhere', [8, 0, 7, 0x0d, 0]],
    ['more than it says', [2, 2 << 2, 1, 2, 3]],
    ['less than it says', [4, 2 << 2, 1, 2, 3]],
    ['a length that such a block cannot have', [0x80, 0x80, 0x04, 0, 1]],
    ['a length without an end', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['nothing at all', []],
  ])('with %s is corrupt', (_, bytes) => {
    expect(() => decompress('snappy', Uint8Array.from(bytes), 1 << 20)).toThrow(
      expect.objectContaining({ kind: 'corrupt' }),
    );
  });

  it.each(samples)('of snappyjs and of @platformatic/kafka, both ways: %s', (_, bytes) => {
    const plain = new Uint8Array(bytes);
    expect(text(decompress('snappy', snappyjs.compress(plain), 1 << 20))).toBe(text(bytes));
    expect(text(decompress('snappy', snappyCompress(Buffer.from(bytes)), 1 << 20))).toBe(
      text(bytes),
    );
    const bare = compress('snappy', plain);
    expect(text(snappyjs.uncompress(bare))).toBe(text(bytes));
    expect(text(snappyDecompress(Buffer.from(bare)))).toBe(text(bytes));
  });
});

describe('lz4', () => {
  it.each<[string, string]>([
    [
      'blocks that depend on those before, and a content checksum',
      `BCJNGERAXhQBAACvYWJjZGVmZ2hpagoA${fs(341)}95QYmNkZWYKAQAAD/r${fs(342)}+hQaGlqYWI2AAAAr2NkZWZnaGlqYWIKAP${fs(45)}gUGZnaGlqAAAAAHMHrhY=`,
    ],
    [
      'block checksums',
      `BCJNGHRAvRQBAACvYWJjZGVmZ2hpagoA${fs(341)}95QYmNkZWZ/NX3PFAEAAK9naGlqYWJjZGVmCgD${fs(341)}3lBoaWphYsi6Th42AAAAr2NkZWZnaGlqYWIKAP${fs(45)}gUGZnaGlq1mU54QAAAABzB64W`,
    ],
    [
      'a content size',
      `BCJNGGhA4CICAAAAAABWFAEAAK9hYmNkZWZnaGlqCgD${fs(341)}3lBiY2RlZhQBAACvZ2hpamFiY2RlZgoA${fs(341)}95QaGlqYWI2AAAAr2NkZWZnaGlqYWIKAP${fs(45)}gUGZnaGlqAAAAAA==`,
    ],
  ])('of the lz4 command, with %s', (_, sample) => {
    const bytes = base64(sample);
    expect(text(decompress('lz4', bytes, repeated.length)) === repeated).toBe(true);
    expect(() => decompress('lz4', bytes, repeated.length - 1)).toThrow(
      expect.objectContaining({ kind: 'tooLarge' }),
    );
    // Every checksum counts.
    for (const at of [4, 5, 6, bytes.length - 1]) {
      const altered = bytes.slice();
      altered[at]! ^= 1;
      expect(() => decompress('lz4', altered, repeated.length)).toThrow(CompressionError);
    }
  });

  it('of several frames, with something to skip between', () => {
    const frame = base64('BCJNGGRApxAAAABuaGVsbG8gBgBgd29ybGQKAAAAAEjtiBE=');
    const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
    expect(text(decompress('lz4', Buffer.concat([frame, skippable, frame]), 100))).toBe(
      hello + hello,
    );
  });

  it('begins as Java begins it', () => {
    expect(Buffer.from(compress('lz4', Buffer.from('abc'))).toString('hex')).toBe(
      '04224d186040820300008061626300000000',
    );
  });

  it.each(samples)('of lz4-napi and of @platformatic/kafka, both ways: %s', (_, bytes) => {
    const buffer = Buffer.from(bytes);
    expect(text(decompress('lz4', lz4.compressFrameSync(buffer), 1 << 20))).toBe(text(bytes));
    expect(
      text(
        decompress(
          'lz4',
          lz4.compressFrameSync(buffer, { blockChecksums: true, contentChecksum: true }),
          1 << 20,
        ),
      ),
    ).toBe(text(bytes));
    expect(text(decompress('lz4', lz4Compress(buffer), 1 << 20))).toBe(text(bytes));
    const ours = Buffer.from(compress('lz4', bytes));
    expect(text(lz4.decompressFrameSync(ours))).toBe(text(bytes));
    expect(text(lz4Decompress(ours))).toBe(text(bytes));
  });
});

describe('zstd', () => {
  const stream = base64('KLUv/QRYlAAAUGFiY2RlZmdoaWoBAPP/zQsSRQAACGMBANyCB0JxlLsw');
  const sized = base64('KLUv/aTgIgIAlAAAUGFiY2RlZmdoaWoBAPP/zQsSRQAACGMBANyCB0JxlLsw');

  it.each([
    ['this Node', decompress.bind(undefined, 'zstd')],
    ['WebAssembly', (bytes: Uint8Array, limit: number) => wasmZstd().decompress(bytes, limit)],
  ])('of the zstd command, by %s', (_, read) => {
    for (const sample of [stream, sized]) {
      expect(text(read(sample, repeated.length)) === repeated).toBe(true);
      expect(() => read(sample, repeated.length - 1)).toThrow(
        expect.objectContaining({ kind: 'tooLarge' }),
      );
      expect(() => read(sample.subarray(0, -1), repeated.length)).toThrow(
        expect.objectContaining({ kind: 'corrupt' }),
      );
    }
    const short = base64('KLUv/QRYlQAAYGhlbGxvIHdvcmxkCgEA8UoRomwGMg==');
    const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
    expect(text(read(Buffer.concat([short, skippable, sized.subarray(0, 0), short]), 100))).toBe(
      hello + hello,
    );
    expect(() => read(Buffer.concat([short, skippable, short]), 2 * hello.length - 1)).toThrow(
      expect.objectContaining({ kind: 'tooLarge' }),
    );
  });
});
