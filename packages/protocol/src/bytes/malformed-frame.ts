/**
 * What came over the wire is not a frame of the protocol: a length that cannot fit, a null where
 * none may be, a varint without an end. The only error that decoding throws; the connection that
 * sent the bytes is closed, nobody else is harmed.
 */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame';
}
