/** Waits for a fact: asks again and again until it holds. Fails with the question's source when the time is up. */
export const until = async (
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> => {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end)
      throw new Error(`not so after ${timeoutMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
