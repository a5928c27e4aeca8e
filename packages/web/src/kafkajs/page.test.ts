/** What stands in for Node's modules in a page: each against what KafkaJS asks of it. */
import { describe, expect, it } from 'vitest';
import { PageBuffer } from './buffer.ts';
import { EventEmitter, format, gzip, promisify, randomBytes, unzip } from './node-modules.ts';
import { process } from './node-globals.ts';

describe('the Buffer of a page', () => {
  it('reads and writes numbers, big-endian', () => {
    const buffer = PageBuffer.alloc(23);
    buffer.writeInt8(-2, 0);
    buffer.writeInt16BE(-300, 1);
    buffer.writeInt32BE(-70_000, 3);
    buffer.writeUInt32BE(0xfedcba98, 7);
    buffer.writeDoubleBE(1.5, 11);
    expect([
      buffer.readInt8(0),
      buffer.readInt16BE(1),
      buffer.readInt32BE(3),
      buffer.readUInt32BE(7),
      buffer.readDoubleBE(11),
    ]).toEqual([-2, -300, -70_000, 0xfedcba98, 1.5]);
    expect(buffer.slice(7, 11).toString('hex')).toBe('fedcba98');
  });

  it('holds text as UTF-8, and tells it in the encodings that are asked for', () => {
    const text = 'grüße 👋';
    const buffer = PageBuffer.from(text);
    expect(PageBuffer.byteLength(text)).toBe(buffer.length);
    expect(String(buffer)).toBe(text);
    for (const encoding of ['utf8', 'hex', 'base64', 'latin1'])
      expect(PageBuffer.from(buffer.toString(encoding), encoding)).toEqual(buffer);
    const target = PageBuffer.alloc(20);
    expect(target.write(text, 3)).toBe(buffer.length);
    expect(target.toString('utf8', 3, 3 + buffer.length)).toBe(text);
    expect(() => PageBuffer.from(text, 'utf16le')).toThrow('utf16le');
  });

  it('slices without copying, copies, joins and compares', () => {
    const buffer = PageBuffer.from([1, 2, 3, 4]);
    const slice = buffer.slice(1, 3);
    slice[0] = 9;
    expect(Array.from(buffer)).toEqual([1, 9, 3, 4]);
    expect(PageBuffer.isBuffer(slice)).toBe(true);
    expect(PageBuffer.isBuffer(new Uint8Array(1))).toBe(false);
    const target = PageBuffer.alloc(4);
    expect(buffer.copy(target, 1, 0)).toBe(3);
    expect(Array.from(target)).toEqual([0, 1, 9, 3]);
    expect(PageBuffer.concat([slice, target]).equals(PageBuffer.from([9, 3, 0, 1, 9, 3]))).toBe(
      true,
    );
    expect(Array.from(PageBuffer.from(Uint8Array.of(1, 2, 3).buffer, 1, 2))).toEqual([2, 3]);
    expect(JSON.stringify(slice)).toBe('{"type":"Buffer","data":[9,3]}');
  });
});

describe('Node’s modules in a page', () => {
  it('pack and unpack', async () => {
    const packed = (await promisify(gzip as never)(
      PageBuffer.from('again '.repeat(100)),
    )) as PageBuffer;
    expect(packed.length).toBeLessThan(100);
    expect(String(await promisify(unzip as never)(packed))).toBe('again '.repeat(100));
    await expect(promisify(unzip as never)(PageBuffer.from('no gzip'))).rejects.toThrow();
  });

  it('tell events in order, once where it is said', () => {
    const emitter = new EventEmitter();
    const told: unknown[] = [];
    const first = (value: unknown): void => void told.push(['first', value]);
    emitter.on('event', first).once('event', (value) => void told.push(['once', value]));
    expect([emitter.emit('event', 1), emitter.emit('event', 2)]).toEqual([true, true]);
    emitter.removeListener('event', first);
    expect([emitter.emit('event', 3), emitter.listenerCount('event')]).toEqual([false, 0]);
    expect(told).toEqual([
      ['first', 1],
      ['once', 1],
      ['first', 2],
    ]);
  });

  it('draw by chance, format, and measure time', () => {
    expect(randomBytes(32).equals(randomBytes(32))).toBe(false);
    expect(format('lock %s of %d', 'a', 2)).toBe('lock a of 2');
    const start = process.hrtime();
    const [seconds, nanoseconds] = process.hrtime(start);
    expect(seconds * 1e9 + nanoseconds).toBeGreaterThanOrEqual(0);
  });
});
