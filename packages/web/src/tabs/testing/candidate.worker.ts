/** A worker that leads when it may, and says to everybody who connects who it is. */
import { createBrowserClock } from '../../host.ts';
import { Leadership } from '../leadership.ts';

/** Stands in for the volume: epochs that outlive every worker. */
const nextEpoch = async (name: string): Promise<number> => {
  const cache = await caches.open(`epochs of ${name}`);
  const known = await cache.match('/epoch');
  const epoch = Number((await known?.text()) ?? 0) + 1;
  await cache.put('/epoch', new Response(String(epoch)));
  return epoch;
};

type Order =
  | { readonly type: 'run'; readonly name: string; readonly id: string }
  | { readonly type: 'hang'; readonly forMs: number };

globalThis.addEventListener('message', ({ data }: MessageEvent<Order>) => {
  if (data.type === 'hang') {
    const end = performance.now() + data.forMs;
    while (performance.now() < end);
    return;
  }
  const leadership = new Leadership({
    name: data.name,
    clock: createBrowserClock(),
    async start() {
      return {
        epoch: await nextEpoch(data.name),
        accept(connection) {
          connection.start({
            onBytes(chunk) {
              const text = new TextDecoder().decode(chunk);
              connection.send([new TextEncoder().encode(`${data.id}: ${text}`)]);
            },
            onDrain() {},
            onClose() {},
          });
        },
        stop: () => Promise.resolve(),
      };
    },
  });
  leadership.actor.subscribe(({ value }) => globalThis.postMessage({ state: value }));
});
