import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexOfBytes, linesOf } from './lines.ts';

async function lines(chunks: readonly Uint8Array[]): Promise<readonly string[]> {
  const all: string[] = [];
  async function* source() {
    for (const chunk of chunks) {
      // The memory of a chunk is used again once the next one is asked for.
      const reused = chunk.slice();
      yield reused;
      reused.fill(0x3f);
    }
  }
  for await (const some of linesOf(source()))
    all.push(...some.map((line) => Buffer.from(line).toString('latin1')));
  return all;
}

describe('lines', () => {
  it('are the same however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.constantFrom(0x0a, 0x0d, 0x61, 0xff))), async (cut) => {
        const text = Buffer.from(cut.flat()).toString('latin1');
        const expected = text.split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(await lines(cut.map((part) => Uint8Array.from(part)))).toEqual(expected);
      }),
    );
  });
});

describe('a separator', () => {
  it('is found where it begins first', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), (text, part) => {
        const [bytes, wanted] = [Buffer.from(text), Buffer.from(part)];
        expect(indexOfBytes(bytes, wanted)).toBe(bytes.indexOf(wanted));
      }),
    );
  });
});
