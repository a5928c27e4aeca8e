/** The kinds of records that clients must understand alike. All of a case have the same shape, as kcat writes them: the same headers, nulls in the same places. */

export interface Sample {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Names may come again. */
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
  /** Undefined: the moment of writing. */
  readonly timestampMs?: number;
}

const text = (it: string): Buffer => Buffer.from(it);
const KEY = text('key');
const VALUE = text('value');
const plain = (sample: Partial<Sample>): Sample => ({
  key: KEY,
  value: VALUE,
  headers: [],
  ...sample,
});

const unlike = Array.from({ length: 9_000 }, (_, n) =>
  (Math.imul(n, 2_654_435_761) >>> 0).toString(36),
).join('');

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

export const cases = {
  'key and value': [plain({})],
  'no key': [plain({ key: null })],
  'an empty key': [plain({ key: text('') })],
  tombstone: [plain({ value: null })],
  'an empty value': [plain({ value: text('') })],
  'neither key nor value': [plain({ key: null, value: null })],
  headers: [
    plain({
      headers: [
        ['origin', text('here')],
        ['kind', text('test')],
      ],
    }),
  ],
  'a header again and again': [
    plain({
      headers: [
        ['via', text('first')],
        ['via', text('second')],
        ['via', text('first')],
      ],
    }),
  ],
  'an empty header': [plain({ headers: [['nothing', text('')]] })],
  'a header without a value': [plain({ headers: [['unsaid', null]] })],
  'text from elsewhere': [
    plain({ key: text('Größe'), value: text('世界 🕷'), headers: [['naïve', text('façade')]] }),
  ],
  'every byte there is': [plain({ key: everyByte, value: Buffer.from(everyByte).reverse() })],
  'much of the same': [plain({ value: Buffer.alloc(70_000, 'x') })],
  'hardly anything twice': [plain({ value: text(unlike) })],
  'three hundred': Array.from({ length: 300 }, (_, n) =>
    plain({ key: text(`k${n % 7}`), value: text(`value number ${n}`) }),
  ),
  'a day in 2001': [plain({ timestampMs: 1_000_000_000_000 })],
  'the first millisecond': [plain({ timestampMs: 0 })],
} satisfies Readonly<Record<string, readonly Sample[]>>;

export type CaseName = keyof typeof cases;
