/**
 * Bodies made up from a message's own declaration, so that a new API or version is tested by being
 * declared. What comes out is exactly what decoding its encoding must give: absent fields hold
 * their defaults.
 */
import { uuidFromBytes } from '../bytes/uuid.ts';
import { defaultOf } from '../schema/defaults.ts';
import type { Field, Kind, ScalarType, Shape } from '../schema/fields.ts';
import { isFlexible, type Message } from '../schema/message.ts';
import type { Chance } from './seeded.ts';

export function arbitraryBody(message: Message, version: number, chance: Chance): unknown {
  return structOf(
    message.shape(),
    { version, isFlexible: isFlexible(message.info, version) },
    chance,
  );
}

interface Encoding {
  readonly version: number;
  readonly isFlexible: boolean;
}

function structOf(shape: Shape, encoding: Encoding, chance: Chance): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(shape)) {
    body[name] = isSent(field, encoding) ? fieldOf(field, encoding, chance) : defaultOf(field);
  }
  return body;
}

function isSent({ options }: Field, { version, isFlexible: flexible }: Encoding): boolean {
  if (options.tag !== undefined && !flexible) return false;
  return version >= (options.since ?? 0) && version <= (options.until ?? Infinity);
}

function fieldOf(field: Field, encoding: Encoding, chance: Chance): unknown {
  const { nullable } = field.options;
  const mayBeNull = nullable === true || (nullable !== undefined && encoding.version >= nullable);
  if (mayBeNull && chance.oneIn(4)) return null;
  if (field.options.tag !== undefined && chance.oneIn(3)) return defaultOf(field);
  return valueOf(field.kind, encoding, chance);
}

function valueOf(kind: Kind, encoding: Encoding, chance: Chance): unknown {
  switch (kind.type) {
    case 'array':
      return Array.from({ length: chance.below(4) }, () => valueOf(kind.element, encoding, chance));
    case 'struct':
      return structOf(kind.shape, encoding, chance);
    default:
      return scalarOf(kind.type, chance);
  }
}

/** The ends of each range come up often: that is where encodings go wrong. */
function scalarOf(type: ScalarType, chance: Chance): unknown {
  switch (type) {
    case 'boolean':
      return chance.oneIn(2);
    case 'int8':
      return integer(8, chance);
    case 'int16':
      return integer(16, chance);
    case 'int32':
      return integer(32, chance);
    case 'uint16':
      return chance.pick([0, 1, 0x7fff, 0x8000, 0xffff, chance.below(0x10000)]);
    case 'uint32':
      return chance.pick([0, 1, 0x7fffffff, 0x80000000, 0xffffffff, chance.uint32()]);
    case 'int64':
      return int64(chance);
    case 'float64':
      return chance.pick([0, 0.5, -1e300, 5e-324, Infinity, chance.uint32() / 7]);
    case 'uuid':
      return uuidFromBytes(bytesOf(16, chance));
    case 'string':
      return text(chance);
    case 'bytes':
    case 'records':
      // Now and then long enough to be referenced instead of copied.
      return bytesOf(chance.oneIn(16) ? 1000 + chance.below(100) : chance.below(40), chance);
  }
}

function integer(bits: number, chance: Chance): number {
  const end = 2 ** (bits - 1);
  return chance.pick([0, 1, -1, end - 1, -end, chance.below(2 * end) - end]);
}

function int64(chance: Chance): number {
  const large = (chance.uint32() & 0x1fffff) * 2 ** 32 + chance.uint32();
  return chance.pick([
    0,
    1,
    -1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 53 - 1,
    1 - 2 ** 53,
    2 ** 63,
    -(2 ** 63),
    large,
    -large,
  ]);
}

function text(chance: Chance): string {
  const alphabet = chance.pick([
    'abcdefghijklmnopqrstuvwxyz0123456789-_.',
    'aé߿ࠀ€￿',
    'x😀𝄞\u{10ffff}',
  ]);
  const points = [...alphabet];
  // 127 bytes and more need a second byte of length in compact encodings.
  const length = chance.oneIn(20) ? 120 + chance.below(20) : chance.below(12);
  return Array.from({ length }, () => chance.pick(points)).join('');
}

function bytesOf(length: number, chance: Chance): Uint8Array {
  return Uint8Array.from({ length }, () => chance.below(256));
}
