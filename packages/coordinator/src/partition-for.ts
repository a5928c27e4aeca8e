/**
 * Which partition of __consumer_offsets keeps a group: as Kafka computes it, so that a log that Kafka wrote is found again and
 * Kafka's tools find ours.
 */
export function partitionFor(groupId: string, partitionCount: number): number {
  const hash = javaHashCode(groupId);
  // Kafka's Utils.abs: the one int that has no positive counterpart counts as 0.
  return (hash === -0x80000000 ? 0 : Math.abs(hash)) % partitionCount;
}

/** Java's String.hashCode over UTF-16 units, in 32 bits. */
function javaHashCode(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++)
    hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}
