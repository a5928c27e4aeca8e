import { describe, expect, it } from 'vitest';
import { ApiKey } from '../api-key.ts';
import { MalformedFrame } from '../bytes/malformed-frame.ts';
import { Reader } from '../bytes/reader.ts';
import type { Shape } from '../schema/fields.ts';
import { decode, encode, type Message } from '../schema/message.ts';
import { arbitraryBody, seeded } from '../testing/index.ts';
import { apis } from './index.ts';

const messages = apis.flatMap(({ request, response }) => [request, response]);

function forEachVersion(of: Message, check: (version: number) => void): void {
  for (let version = of.info.versions[0]; version <= of.info.versions[1]; version++) check(version);
}

function forEachStruct(shape: Shape, check: (shape: Shape) => void): void {
  check(shape);
  for (const { kind } of Object.values(shape)) {
    const inner = kind.type === 'array' ? kind.element : kind;
    if (inner.type === 'struct') forEachStruct(inner.shape, check);
  }
}

describe('the table of APIs', () => {
  it('is sorted by key, under the names that the keys have', () => {
    const keys = apis.map(({ key }) => key);
    expect(keys).toEqual([...new Set(keys)].sort((a, b) => a - b));
    expect(ApiKey).toMatchObject(Object.fromEntries(apis.map(({ name, key }) => [name, key])));
  });

  it('pairs requests and responses', () => {
    for (const { key, name, request, response } of apis) {
      expect(request.info).toMatchObject({ key, name: `${name}Request` });
      expect(response.info).toEqual({ ...request.info, name: `${name}Response` });
    }
  });

  it('has what Kafka 4.2 offers its clients', () => {
    const ranges = Object.fromEntries(
      apis.map(({ name, request }) => [name, request.info.versions.join('-')]),
    );
    expect(ranges).toMatchObject({
      Produce: '3-13',
      Fetch: '4-18',
      ListOffsets: '1-11',
      Metadata: '0-13',
      OffsetCommit: '2-10',
      OffsetFetch: '1-10',
      FindCoordinator: '0-6',
      JoinGroup: '0-9',
      ApiVersions: '0-4',
      CreateTopics: '2-7',
      OffsetForLeaderEpoch: '2-4',
    });
  });
});

describe('every message in every version', () => {
  it('gives each tagged field of a struct a tag of its own', () => {
    for (const of of messages) {
      forEachStruct(of.shape(), (shape) => {
        const tags = Object.values(shape).flatMap(({ options }) => options.tag ?? []);
        expect(new Set(tags).size).toBe(tags.length);
      });
    }
  });

  it.each(messages.map((of) => [of.info.name, of] as const))('%s comes back', (_, of) => {
    forEachVersion(of, (version) => {
      for (let seed = 1; seed <= 5; seed++) {
        const body = arbitraryBody(of, version, seeded(seed * 1000 + version)) as never;
        const bytes = Buffer.concat(encode(of, version, body));
        const reader = new Reader(bytes);
        const read = decode(of, version, reader);
        expect(read).toEqual(body);
        expect(reader.bytesLeft).toBe(0);
        expect(Buffer.concat(encode(of, version, read as never)).equals(bytes)).toBe(true);
      }
    });
  });

  it('cut short anywhere is malformed', () => {
    for (const of of messages) {
      forEachVersion(of, (version) => {
        const body = arbitraryBody(of, version, seeded(version)) as never;
        const bytes = Buffer.concat(encode(of, version, body));
        const step = Math.max(1, Math.floor(bytes.length / 16));
        for (let length = bytes.length - 1; length >= 0; length -= step) {
          expect(() => decode(of, version, bytes.subarray(0, length))).toThrow(MalformedFrame);
        }
      });
    }
  });
});
