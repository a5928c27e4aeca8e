import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binaryFrameHeader, cutIntoMessages, joined, sizeOf } from './messages.ts';

describe('cutting a chunk list into messages', () => {
  it('keeps every byte in order, no message empty or too large, and copies nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.integer({ min: 1, max: 50 }),
        (chunks, bytesMax) => {
          const messages = cutIntoMessages(chunks, bytesMax);
          expect(joined(messages.flat())).toEqual(joined(chunks));
          for (const message of messages.slice(0, -1)) expect(sizeOf(message)).toBe(bytesMax);
          for (const message of messages) {
            expect(sizeOf(message)).toBeGreaterThan(0);
            expect(sizeOf(message)).toBeLessThanOrEqual(bytesMax);
            for (const piece of message)
              expect(chunks.some((chunk) => chunk.buffer === piece.buffer)).toBe(true);
          }
        },
      ),
    );
  });

  it.each([
    [0, [0x82, 0]],
    [125, [0x82, 125]],
    [126, [0x82, 126, 0, 126]],
    [65_535, [0x82, 126, 0xff, 0xff]],
    [65_536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
    [1_048_576, [0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 0]],
  ])('heads a frame of %d bytes as RFC 6455 says', (size, header) => {
    expect([...binaryFrameHeader(size)]).toEqual(header);
  });
});
