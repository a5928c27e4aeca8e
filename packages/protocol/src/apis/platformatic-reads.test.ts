/**
 * Another implementation as a witness, for the flexible encodings: whatever @platformatic/kafka
 * can parse, it must read from our bytes as we meant it.
 */
import * as platformatic from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import type { Shape } from '../schema/fields.ts';
import { encode } from '../schema/message.ts';
import { arbitraryBody, seeded } from '../testing/index.ts';
import { apis } from './index.ts';

interface TheirApi {
  readonly api: { readonly key: number; readonly version: number };
  readonly parseResponse: (
    correlationId: number,
    apiKey: number,
    apiVersion: number,
    reader: platformatic.Reader,
  ) => unknown;
}

/** What 1.35 itself reads otherwise than Kafka writes it. */
const THEIR_OWN_WAY: Readonly<Record<string, string>> = {
  alterPartitionReassignmentsV1: 'leaves out allowReplicationFactorChange',
  alterPartitionV3: 'topicId as a string, isr as one number',
  consumerGroupDescribeV0: 'subscribedTopicNames as one string',
  describeConfigsV2: 'reads the fields of version 3',
  listTransactionsV2: 'an errorMessage that there is not',
  metadataV9: 'clusterAuthorizedOperations as one byte',
  metadataV10: 'clusterAuthorizedOperations as one byte',
  offsetForLeaderEpochV4: 'partition before errorCode',
};

const theirs = Object.entries(platformatic as unknown as Record<string, Partial<TheirApi>>)
  .filter((entry): entry is [string, TheirApi] => entry[1]?.parseResponse !== undefined)
  .filter(([, { api }]) => apis.some(({ key }) => key === api.key));

describe('@platformatic/kafka reads our responses', () => {
  it('has enough of them to be a witness', () => {
    expect(theirs.length).toBeGreaterThan(90);
  });

  it.each(theirs.filter(([name]) => !(name in THEIR_OWN_WAY)))(
    '%s',
    (_, { api, parseResponse }) => {
      const { response } = apis.find(({ key }) => key === api.key)!;
      for (let seed = 1; seed <= 10; seed++) {
        const arbitrary = arbitraryBody(response, api.version, seeded(seed));
        const ours = palatable(arbitrary as Values, response.shape(), api.version);
        const bytes = Buffer.concat(encode(response, api.version, ours as never));
        const reader = platformatic.Reader.from(bytes);
        const read = inOurTerms(parseResponse(0, api.key, api.version, reader));
        expect(read).toEqual(common(ours, read));
        // They leave the tag sections unread that end a response: its own, and a last struct's.
        expect(reader.remaining).toBeLessThanOrEqual(2);
      }
    },
  );
});

type Values = Record<string, unknown>;

/**
 * Without errors, which they throw, record batches, which must be real, tagged fields, which they
 * do not know, and what the version does not have, for which they have other defaults.
 */
function palatable(body: Values, shape: Shape, version: number): Values {
  const result: Values = {};
  for (const [name, { kind, options }] of Object.entries(shape)) {
    const value = body[name];
    if (options.tag !== undefined || version < (options.since ?? 0)) continue;
    if (version > (options.until ?? Infinity)) continue;
    const inner = kind.type === 'array' ? kind.element : kind;
    if (/errorCode$/i.test(name)) result[name] = 0;
    else if (name === 'recordErrors') result[name] = [];
    else if (inner.type === 'records') result[name] = null;
    else if (inner.type !== 'struct' || value === null) result[name] = value;
    else if (kind.type !== 'array') result[name] = palatable(value as Values, inner.shape, version);
    else
      result[name] = (value as Values[]).map((element) => palatable(element, inner.shape, version));
  }
  return result;
}

/** Their numbers, ids and bytes as we have them. */
function inOurTerms(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') {
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){4}/.test(value) ? value.replaceAll('-', '') : value;
  }
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(inOurTerms);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, inOurTerms(inner)]),
  );
}

/** Of ours, what they have too: other names and what they leave out are not compared. */
function common(ours: unknown, theirs: unknown): unknown {
  if (Array.isArray(theirs)) {
    return ((ours ?? []) as unknown[]).map((element, i) => common(element, theirs[i]));
  }
  if (typeof theirs !== 'object' || theirs === null || theirs instanceof Uint8Array) return ours;
  const known = ours as Values;
  return Object.fromEntries(
    Object.entries(theirs).map(([name, their]) => [
      name,
      known[name] === undefined ? their : common(known[name], their),
    ]),
  );
}
