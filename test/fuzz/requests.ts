/**
 * Requests of every API and version that a broker takes, about topics, groups and records that are there, so that they get past
 * the first check; then damaged. A request and what is expected of it (an answer, or silence) are told from its bytes alone.
 */
import { handlers } from '@odradek/broker';
import {
  MalformedFrame,
  ZERO_UUID,
  decode,
  decodeRequestHeader,
  encodeRequest,
  type Message,
  type Uuid,
} from '@odradek/protocol';
import { arbitraryBody, damaged, type Chance } from '@odradek/protocol/testing';
import { damagedBatch, validBatch, type BatchTools } from './batches.ts';

export const TOPICS = ['fuzz-0', 'fuzz-1', 'fuzz-compacted'] as const;
const GROUPS = ['group-0', 'group-1', 'group-2'] as const;
const MEMBERS = ['', 'member-0', 'member-1'] as const;
const KEYS = [
  'retention.ms',
  'cleanup.policy',
  'segment.bytes',
  'max.message.bytes',
  'nothing',
] as const;

const LENGTH_BYTES = 4;
const TEMPLATES_PER_VERSION = 20;

export interface World {
  /** Ids of the topics that are there. */
  readonly topicIds: readonly Uuid[];
  readonly tools: BatchTools;
}

/** Endless requests, without their lengths. */
export class Requests {
  readonly #chance: Chance;
  readonly #templates: readonly Uint8Array[];

  constructor(chance: Chance, world: World) {
    this.#chance = chance;
    const templates: Uint8Array[] = [];
    for (const { request, versions } of handlers) {
      for (let version = versions[0]; version <= versions[1]; version++) {
        for (let n = 0; n < TEMPLATES_PER_VERSION; n++)
          templates.push(template(request, version, chance, world));
      }
    }
    this.#templates = templates;
  }

  next(): Uint8Array {
    const chance = this.#chance;
    const bytes = chance.pick(this.#templates);
    if (chance.oneIn(3)) return bytes.slice();
    if (chance.oneIn(10)) {
      // The front of one and the rest of another.
      const other = chance.pick(this.#templates);
      return Buffer.concat([
        bytes.subarray(0, chance.below(bytes.length)),
        other.subarray(chance.below(other.length)),
      ]);
    }
    return damaged(bytes, chance);
  }
}

const template = (request: Message, version: number, chance: Chance, world: World): Uint8Array => {
  for (;;) {
    const body = meant(arbitraryBody(request, version, chance), '', chance, world);
    const identity = { correlationId: chance.uint32() | 0, clientId: chance.pick([null, 'fuzz']) };
    const bytes = Buffer.concat(encodeRequest(request, version, identity, body as never)).subarray(
      LENGTH_BYTES,
    );
    return new Uint8Array(bytes);
  }
};

/** The same body about things that are there. Fields are told by their names. */
const meant = (value: unknown, field: string, chance: Chance, world: World): unknown => {
  if (Array.isArray(value)) return value.map((it) => meant(it, field, chance, world));
  if (value instanceof Uint8Array) {
    if (field !== 'records') return value;
    return chance.oneIn(3) ? validBatch(chance, world.tools) : damagedBatch(chance, world.tools);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, it]) => [name, meant(it, name, chance, world)]),
    );
  }
  if (chance.oneIn(6)) return value;
  if (typeof value === 'string') return meantText(value, field, chance, world);
  if (typeof value === 'number') return meantNumber(value, field, chance);
  return value;
};

const meantText = (value: string, field: string, chance: Chance, world: World): string => {
  if (/topicid/i.test(field)) return chance.oneIn(5) ? ZERO_UUID : chance.pick(world.topicIds);
  if (/group|coordinatorKeys|^key$/i.test(field)) return chance.pick(GROUPS);
  if (/member/i.test(field)) return chance.pick(MEMBERS);
  if (/config|keys/i.test(field)) return chance.pick(KEYS);
  if (/name|topic/i.test(field))
    return chance.pick([...TOPICS, `new-${chance.below(40)}`, ...KEYS]);
  if (/protocol/i.test(field)) return chance.pick(['consumer', 'range']);
  if (field === 'value') return chance.pick(['1000', 'compact', '1048576', '-1', value]);
  return value;
};

const meantNumber = (value: number, field: string, chance: Chance): number => {
  if (/maxWait/.test(field)) return chance.below(4);
  if (/timeoutMs$/i.test(field)) return chance.pick([0, 10, 6_000, 10_000]);
  if (/bytes$/i.test(field)) return chance.pick([0, 1, 1_000, 1_000_000]);
  if (/partitions?(index|indexes|id)?$|^index$/i.test(field)) return chance.below(3);
  if (/numPartitions|count/i.test(field)) return chance.below(5);
  if (/replicationFactor/i.test(field)) return chance.pick([1, -1]);
  if (/offset|timestamp/i.test(field)) return chance.pick([-2, -1, 0, 1, 5, 1_000_000]);
  if (/acks/.test(field)) return chance.pick([-1, 1, 0]);
  if (/replicaId|replicaState/.test(field)) return -1;
  if (/epoch|generation/i.test(field)) return chance.pick([-1, 0, 1]);
  if (/type$|operation/i.test(field)) return chance.pick([0, 1, 2, 3, 4]);
  if (/session/i.test(field)) return chance.pick([0, -1, 1]);
  return value;
};

export interface Expectation {
  /** Undefined for an API or a version that is not taken. */
  readonly apiKey: number | undefined;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** A well-formed Produce with acks=0: silence is right. */
  readonly isSilent: boolean;
  /** An answer may wait for others: for records, for members of a group. */
  readonly mayWait: boolean;
}

const byKey = new Map(handlers.map((it) => [it.key, it]));
/** API key, version, correlation id. */
const FIXED_HEADER_BYTES = 8;
const PRODUCE = 0;
const JOIN_GROUP = 11;
const SYNC_GROUP = 14;

export const expectationOf = (bytes: Uint8Array): Expectation => {
  const isTooShort = bytes.length < FIXED_HEADER_BYTES;
  const head = new DataView(bytes.buffer, bytes.byteOffset);
  const apiKey = isTooShort ? -1 : head.getInt16(0);
  const apiVersion = isTooShort ? -1 : head.getInt16(2);
  const correlationId = isTooShort ? 0 : head.getInt32(4);
  const handler = byKey.get(apiKey);
  const isKnown =
    handler !== undefined && apiVersion >= handler.versions[0] && apiVersion <= handler.versions[1];
  const mayWait = isKnown && (handler.isLongPoll || apiKey === JOIN_GROUP || apiKey === SYNC_GROUP);
  const isSilent =
    isKnown && apiKey === PRODUCE && acksOf(handler.request, apiVersion, bytes) === 0;
  return { apiKey: isKnown ? apiKey : undefined, apiVersion, correlationId, isSilent, mayWait };
};

const acksOf = (request: Message, apiVersion: number, bytes: Uint8Array): number | undefined => {
  try {
    return (decode(request, apiVersion, decodeRequestHeader(bytes).body) as { acks: number }).acks;
  } catch (error) {
    if (error instanceof MalformedFrame) return undefined;
    throw error;
  }
};

export const responseOf = (apiKey: number): Message | undefined => byKey.get(apiKey)?.response;
