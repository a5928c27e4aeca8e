import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedFrame } from './bytes/malformed-frame.ts';
import { frame, FrameReader, FrameTooLarge } from './frames.ts';

function lengthOf(size: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, size);
  return bytes;
}

interface Received {
  readonly bytes: Uint8Array;
  readonly owned: boolean;
  /** The bytes themselves, for those who keep what they own. */
  readonly passed: Uint8Array;
}

function reader(frameBytesMax = 1_000_000): { frames: Received[]; reader: FrameReader } {
  const frames: Received[] = [];
  return {
    frames,
    reader: new FrameReader({
      frameBytesMax,
      onFrame: (bytes, owned) => frames.push({ bytes: bytes.slice(), owned, passed: bytes }),
    }),
  };
}

describe('a stream of frames', () => {
  it('comes out the same however it was cut', () => {
    const sizes = fc.array(fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 3000 })), { maxLength: 20 });
    const cuts = fc.array(fc.oneof(fc.nat({ max: 8 }), fc.nat({ max: 2000 })), { minLength: 1 });
    fc.assert(
      fc.property(sizes, cuts, (frameSizes, chunkSizes) => {
        const payloads = frameSizes.map((size, i) => new Uint8Array(size).fill(i + 1));
        const stream = Buffer.concat(payloads.flatMap((payload) => frame([payload])));
        const { frames, reader: subject } = reader();
        let position = 0;
        for (let i = 0; position < stream.length; i++) {
          const size = Math.max(1, chunkSizes[i % chunkSizes.length]!);
          // A chunk that is not owned is written over as soon as `push` returns.
          const chunk = Uint8Array.from(stream.subarray(position, position + size));
          subject.push(chunk, false);
          chunk.fill(0xee);
          position += size;
        }
        expect(frames.map(({ bytes }) => bytes.length)).toEqual(frameSizes);
        expect(
          Buffer.concat(frames.map(({ bytes }) => bytes)).equals(Buffer.concat(payloads)),
        ).toBe(true);
        for (const { passed, bytes, owned } of frames) {
          if (owned) expect(Buffer.compare(passed, bytes)).toBe(0);
        }
        expect(subject.bufferedBytes).toBe(0);
      }),
    );
  });

  it("passes on whole frames as views, with the chunk's own promise", () => {
    const chunk = Uint8Array.of(0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 2, 8, 9);
    for (const owned of [true, false]) {
      const { frames, reader: subject } = reader();
      subject.push(chunk, owned);
      expect(frames.map(({ bytes }) => [...bytes])).toEqual([[7], [], [8, 9]]);
      for (const { passed, owned: isOwned } of frames) {
        expect(passed.buffer).toBe(chunk.buffer);
        expect(isOwned).toBe(owned);
      }
    }
  });

  it('hands over frames that it had to put together', () => {
    const { frames, reader: subject } = reader();
    subject.push(Uint8Array.of(0, 0, 0, 3, 1), false);
    subject.push(Uint8Array.of(2, 3, 0), false);
    expect(frames).toMatchObject([{ owned: true, bytes: Uint8Array.of(1, 2, 3) }]);
  });

  it('takes Buffers, and gives plain arrays', () => {
    const { frames, reader: subject } = reader();
    subject.push(Buffer.from([0, 0, 0, 1, 5]), false);
    expect(frames[0]!.passed.constructor).toBe(Uint8Array);
  });
});

describe('a hostile stream', () => {
  it('that announces much and sends little holds little', () => {
    const { reader: subject } = reader(100 * 2 ** 20);
    subject.push(lengthOf(100 * 2 ** 20), false);
    expect(subject.bufferedBytes).toBe(0);
    let sent = 0;
    for (const size of [10, 1000, 5, 60_000, 1]) {
      subject.push(new Uint8Array(size), false);
      sent += size;
      expect(subject.bufferedBytes).toBeLessThanOrEqual(Math.max(256, 4 * sent));
    }
  });

  it('is refused beyond the limit, by size, before a byte of the frame has come', () => {
    const { frames, reader: subject } = reader(10);
    subject.push(Buffer.concat(frame([new Uint8Array(10)])), false);
    expect(frames.length).toBe(1);
    const tooLarge = (() => {
      try {
        subject.push(lengthOf(11), false);
      } catch (error) {
        return error;
      }
    })();
    expect(tooLarge).toBeInstanceOf(FrameTooLarge);
    expect(tooLarge).toMatchObject({ sizeBytes: 11, limitBytes: 10 });
    expect(() => subject.push(frame([new Uint8Array(1)])[0]!, false)).toThrow(FrameTooLarge);
  });

  it('is refused when a size is negative', () => {
    const { reader: subject } = reader();
    expect(() => subject.push(lengthOf(-1), false)).toThrow(MalformedFrame);
  });
});

it('a frame gets its length in front, and its chunks are not copied', () => {
  const chunks = [new Uint8Array(3), new Uint8Array(300)];
  const [length, ...rest] = frame(chunks);
  expect([...length!]).toEqual([0, 0, 1, 47]);
  expect(rest[1]).toBe(chunks[1]);
});
