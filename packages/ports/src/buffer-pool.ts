/**
 * Memory for large reads that is used again once its bytes have left for the network. What is never given back is the garbage
 * collector's, so that forgetting costs speed and nothing else; giving back what somebody still reads would show that
 * reader other bytes.
 */
export interface BufferPool {
  /** `length` bytes of any content; the caller's, until they are given back. */
  take(length: number): Uint8Array;
  /** Takes back the whole memory under `bytes`, if it came from here and is still out. Anything else is left alone. */
  giveBack(bytes: Uint8Array): void;
}
