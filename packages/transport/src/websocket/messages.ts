/**
 * Cutting a chunk list into WebSocket messages. One `send` is one message, up to this size; a longer one is several, so
 * that neither end holds more than this in one piece. The cutting of messages means nothing to the receiver; but a frame that
 * comes whole need not be put together there, so there is room for the usual largest answer: a mebibyte of records
 * (`max.partition.fetch.bytes`, `replica.fetch.max.bytes`) and what stands around them.
 */
export const messageBytesMax = 1024 * 1024 + 64 * 1024;

/** Views on the chunks, in order, in groups of at most `bytesMax`. */
export function cutIntoMessages(
  chunks: readonly Uint8Array[],
  bytesMax: number = messageBytesMax,
): Uint8Array[][] {
  const messages: Uint8Array[][] = [];
  let message: Uint8Array[] = [];
  let room = bytesMax;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const piece =
        chunk.length - at <= room
          ? at === 0
            ? chunk
            : chunk.subarray(at)
          : chunk.subarray(at, at + room);
      message.push(piece);
      at += piece.length;
      room -= piece.length;
      if (room === 0) {
        messages.push(message);
        message = [];
        room = bytesMax;
      }
    }
  }
  if (message.length > 0) messages.push(message);
  return messages;
}

export function sizeOf(chunks: readonly Uint8Array[]): number {
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  return size;
}

/** For an interface that takes one piece a message. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(sizeOf(chunks));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** RFC 6455 section 5.2: one final, binary frame from server to client, that is unmasked; the payload follows as it is. */
export function binaryFrameHeader(payloadBytes: number): Uint8Array {
  if (payloadBytes < 126) return Uint8Array.of(finalBinary, payloadBytes);
  if (payloadBytes < 65_536)
    return Uint8Array.of(finalBinary, 126, payloadBytes >>> 8, payloadBytes & 0xff);
  const header = new Uint8Array(10);
  header[0] = finalBinary;
  header[1] = 127;
  // Never above messageBytesMax: 32 of the 64 bits suffice.
  new DataView(header.buffer).setUint32(6, payloadBytes);
  return header;
}

const finalBinary = 0x82;
