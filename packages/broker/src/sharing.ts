/**
 * A task that many ask for: it never runs twice at once, and those who ask while it has not begun yet share one run. So
 * whoever asked is answered by a run that began after it asked, and sees what it did before.
 */
export const sharing = (task: () => Promise<void>): (() => Promise<void>) => {
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    if (next === undefined) {
      next = last
        .catch(() => {})
        .then(() => {
          next = undefined;
          return task();
        });
      last = next;
    }
    return next;
  };
};
