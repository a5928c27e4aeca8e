/**
 * KafkaJS's partitioners. Both ask the message first, then its key's hash, and deal out what has no key in turn over the partitions that have
 * a leader. They differ in the hash: the default one is Java's murmur2, the legacy one is what KafkaJS computed before 2.0, in floating point.
 */
import type { Random } from '@odradek/ports';
import { murmur2 } from '../producer/murmur2.ts';
import { toBytes } from './bytes.ts';
import type { ICustomPartitioner } from './types.ts';

type Hash = (bytes: Uint8Array) => number;

const toPositive = (hash: number): number => hash & 0x7fffffff;

const inTurn =
  (hash: Hash, random?: Random): ICustomPartitioner =>
  () => {
    const turns = new Map<string, number>();
    return ({ topic, partitionMetadata, message: { key, partition } }) => {
      if (partition !== undefined && partition !== null) return partition;
      if (key !== undefined && key !== null)
        return toPositive(hash(toBytes(key)!)) % partitionMetadata.length;
      const turn = (turns.get(topic) ?? random?.uint32() ?? 0) + 1;
      turns.set(topic, turn);
      const led = partitionMetadata.filter(({ leader }) => leader >= 0);
      return led.length > 0
        ? led[toPositive(turn) % led.length]!.partitionId
        : toPositive(turn) % partitionMetadata.length;
    };
  };

/** With a start by chance, so that many producers do not all begin with the same partition. */
export const defaultPartitionerFor = (random: Random): ICustomPartitioner =>
  inTurn(murmur2, random);

export const Partitioners = {
  DefaultPartitioner: /*@__PURE__*/ inTurn(murmur2),
  LegacyPartitioner: /*@__PURE__*/ inTurn(legacyMurmur2),
  /** The default one's name before 2.0. */
  JavaCompatiblePartitioner: /*@__PURE__*/ inTurn(murmur2),
};

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * Murmur2 with JavaScript's `*`, which loses low bits beyond 2^53, and with a last partial word mixed in twice: wrong, and therefore where
 * the keys of old topics are. Every step stays as inexact as it was.
 */
function legacyMurmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  const byte = (at: number): number => bytes[at] ?? 0;
  let hash = SEED ^ length;
  for (let at = 0; at < length; at += 4) {
    let word = byte(at) + (byte(at + 1) << 8) + (byte(at + 2) << 16) + (byte(at + 3) << 24);
    word *= M;
    word ^= word >>> 24;
    word *= M;
    hash *= M;
    hash ^= word;
  }
  const whole = length & ~3;
  const rest = length - whole;
  if (rest >= 3) hash ^= byte(whole + 2) << 16;
  if (rest >= 2) hash ^= byte(whole + 1) << 8;
  if (rest >= 1) {
    hash ^= byte(whole);
    hash *= M;
  }
  hash ^= hash >>> 13;
  hash *= M;
  return hash ^ (hash >>> 15);
}
