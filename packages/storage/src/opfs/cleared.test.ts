import { expect, it } from 'vitest';
import { cdp } from 'vitest/browser';

it('says so when the storage was cleared from under it, and can be opened anew', async () => {
  const worker = new Worker(new URL('./cleared.worker.ts', import.meta.url), { type: 'module' });
  const answer = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  expect(await answer()).toBe('ready');
  const devtools = cdp() as unknown as { send(method: string, params: object): Promise<unknown> };
  await devtools.send('Storage.clearDataForOrigin', {
    origin: location.origin,
    storageTypes: 'file_systems',
  });
  worker.postMessage('cleared');
  const { kinds, listed } = (await answer()) as { kinds: string[]; listed: unknown };
  worker.terminate();
  expect(kinds).toEqual(['closed', 'closed', 'closed', 'closed', 'closed']);
  expect(listed).toEqual([]);
});
