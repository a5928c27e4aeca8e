/**
 * What stands before a body: API, version and correlation id before a request's, the correlation id
 * before a response's.
 *
 * Two oddities of Kafka are kept here. The client id keeps its int16 length in flexible headers
 * too, so that a broker can read the header of a version it does not know. And ApiVersions is
 * always answered with the oldest header, because its client cannot know yet what the broker speaks
 * (KIP-511).
 */
import { Reader } from './bytes/reader.ts';
import { Writer } from './bytes/writer.ts';
import { sealFrame } from './frames.ts';
import { decode, isFlexible, type Message, type MessageInfo, write } from './schema/message.ts';
import { readTagged } from './schema/tagged.ts';

export interface RequestIdentity {
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** A whole frame, its length included, in chunks. */
export function encodeRequest<In>(
  request: Message<unknown, In>,
  apiVersion: number,
  { correlationId, clientId }: RequestIdentity,
  body: NoInfer<In>,
): Uint8Array[] {
  const apiKey = keyOf(request);
  const writer = new Writer();
  writer.int32(0);
  writer.int16(apiKey);
  writer.int16(apiVersion);
  writer.int32(correlationId);
  writer.nullableString(clientId);
  if (isFlexible(request.info, apiVersion)) writer.unsignedVarint(0);
  write(request, apiVersion, body, writer);
  return sealFrame(writer);
}

/** A whole frame, its length included, in chunks. */
export function encodeResponse<In>(
  response: Message<unknown, In>,
  apiVersion: number,
  correlationId: number,
  body: NoInfer<In>,
): Uint8Array[] {
  const writer = new Writer();
  writer.int32(0);
  writer.int32(correlationId);
  if (hasTaggedHeader(response, apiVersion)) writer.unsignedVarint(0);
  write(response, apiVersion, body, writer);
  return sealFrame(writer);
}

/** Of a frame without its length: which request it answers. */
export function correlationIdOf(bytes: Uint8Array): number {
  return new Reader(bytes).int32();
}

/**
 * Answers come from a broker that we chose to connect to, and are denser than requests (a partition
 * of a Metadata answer takes 26 bytes and three arrays): they may take more memory for their size.
 */
const RESPONSE_SLOTS_PER_BYTE = 4;

/** `bytes` is a frame without its length. */
export function decodeResponse<Out>(
  response: Message<Out>,
  apiVersion: number,
  bytes: Uint8Array,
): { readonly correlationId: number; readonly body: Out } {
  const reader = new Reader(bytes, RESPONSE_SLOTS_PER_BYTE);
  reader.subject = 'response header';
  const correlationId = reader.int32();
  // Headers have no tagged fields of their own yet.
  if (hasTaggedHeader(response, apiVersion)) readTagged(reader, [], {});
  return { correlationId, body: decode(response, apiVersion, reader) };
}

/** Always the oldest for ApiVersions. */
const hasTaggedHeader = (response: { readonly info: MessageInfo }, apiVersion: number): boolean =>
  keyOf(response) !== API_VERSIONS_KEY && isFlexible(response.info, apiVersion);

const API_VERSIONS_KEY = 18;

function keyOf({ info }: { readonly info: MessageInfo }): number {
  if (info.key === undefined) throw new Error(`${info.name} is not the message of an API`);
  return info.key;
}
