/** Answers that are told by topic, in the order in which topics first come. */
export const byTopic = <T extends { readonly topic: string }>(
  results: readonly T[],
): readonly (readonly [string, readonly T[]])[] => {
  const topics = new Map<string, T[]>();
  for (const result of results) {
    const known = topics.get(result.topic);
    if (known === undefined) topics.set(result.topic, [result]);
    else known.push(result);
  }
  return [...topics];
};
