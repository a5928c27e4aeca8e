import { describe, expect, it } from 'vitest';
import { ApiKey } from './api-key.ts';
import { apis, heartbeatRequest, heartbeatResponse } from './apis/index.ts';
import { MalformedFrame } from './bytes/malformed-frame.ts';
import { correlationIdOf, decodeResponse, encodeRequest, encodeResponse } from './headers.ts';
import {
  decodeRequestHeader,
  requestHeaderVersion,
  responseHeaderVersion,
} from './request-header.ts';
import { decode, isFlexible } from './schema/message.ts';

const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' };

function payload(chunks: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(chunks).subarray(4));
}

describe('header versions', () => {
  it('follow from which versions are flexible, in every declared API', () => {
    for (const { key, request, response } of apis) {
      for (let version = request.info.versions[0]; version <= request.info.versions[1]; version++) {
        const ofRequest = isFlexible(request.info, version) ? 2 : 1;
        const ofResponse = key !== ApiKey.ApiVersions && isFlexible(response.info, version) ? 1 : 0;
        expect([key, version, requestHeaderVersion(key, version)]).toEqual([
          key,
          version,
          ofRequest,
        ]);
        expect([key, version, responseHeaderVersion(key, version)]).toEqual([
          key,
          version,
          ofResponse,
        ]);
      }
    }
  });
});

describe('a request header', () => {
  it('comes back in both versions, the body behind it', () => {
    for (const version of [3, 4]) {
      for (const clientId of ['me', '', null]) {
        const bytes = payload(
          encodeRequest(heartbeatRequest, version, { correlationId: -5, clientId }, heartbeat),
        );
        const header = decodeRequestHeader(bytes);
        expect(header).toMatchObject({
          apiKey: 12,
          apiVersion: version,
          correlationId: -5,
          clientId,
        });
        expect(decode(heartbeatRequest, version, header.body)).toMatchObject(heartbeat);
      }
    }
  });

  it('steps over tagged fields that nobody knows', () => {
    const bytes = payload(
      encodeRequest(heartbeatRequest, 4, { correlationId: 1, clientId: null }, heartbeat),
    );
    const tagged = Uint8Array.of(1, 7, 3, 1, 2, 3);
    const longer = Buffer.concat([bytes.subarray(0, 10), tagged, bytes.subarray(11)]);
    const { body } = decodeRequestHeader(longer);
    expect(decode(heartbeatRequest, 4, body)).toMatchObject(heartbeat);
  });

  it('of an unknown API or version says what it asks all the same', () => {
    const unknown = Uint8Array.of(0x03, 0xe7, 0, 9, 0, 0, 0, 42, 0, 2, 0x6d, 0x65, 0);
    expect(decodeRequestHeader(unknown)).toMatchObject({
      apiKey: 999,
      apiVersion: 9,
      correlationId: 42,
      clientId: 'me',
    });
  });

  it('with something unreadable behind its first fields says what it asks, and has no body', () => {
    const garbled = Uint8Array.of(0, 18, 0, 99, 0, 0, 0, 42, 0x7f, 0xff);
    const header = decodeRequestHeader(garbled);
    expect(header).toMatchObject({
      apiKey: 18,
      apiVersion: 99,
      correlationId: 42,
      clientId: null,
    });
    expect(() => header.body).toThrow(MalformedFrame);
  });

  it('that ends too soon is malformed', () => {
    for (let length = 0; length < 8; length++) {
      expect(() => decodeRequestHeader(new Uint8Array(length))).toThrow(MalformedFrame);
    }
  });
});

describe('a response', () => {
  it('comes back with its correlation id, in both header versions', () => {
    for (const version of [3, 4]) {
      const chunks = encodeResponse(heartbeatResponse, version, 99, { errorCode: 27 });
      expect(new DataView(chunks[0]!.buffer).getInt32(0)).toBe(payload(chunks).length);
      expect(correlationIdOf(payload(chunks))).toBe(99);
      expect(decodeResponse(heartbeatResponse, version, payload(chunks))).toEqual({
        correlationId: 99,
        body: { throttleTimeMs: 0, errorCode: 27 },
      });
    }
  });
});
