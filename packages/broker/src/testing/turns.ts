/** Lets everything that needs no time happen: promises and what they lead to. */
export const settle = async (turns = 20): Promise<void> => {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Waits for what comes by itself, a turn of the event loop at a time. */
export const until = async (isSo: () => boolean, turnsMax = 20_000): Promise<void> => {
  for (let turn = 0; turn < turnsMax; turn++) {
    if (isSo()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not come to pass');
};
