/** What a request names once, and one of each that it names more often: Kafka refuses those and does the others. */
export const namedOnce = <T>(
  items: readonly T[],
  nameOf: (item: T) => string,
): { readonly once: T[]; readonly twice: T[] } => {
  const byName = new Map<string, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    const same = byName.get(name);
    if (same === undefined) byName.set(name, [item]);
    else same.push(item);
  }
  const once: T[] = [];
  const twice: T[] = [];
  for (const [first, ...more] of byName.values()) (more.length === 0 ? once : twice).push(first!);
  return { once, twice };
};
