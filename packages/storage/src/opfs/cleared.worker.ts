/** Opens a volume, and tells what can be done with it when the page says that the storage was cleared. */
import { openOpfsVolume } from './index.ts';
import { newFolderName } from './testing.ts';

const name = newFolderName();
const volume = await openOpfsVolume({ name });
const file = await volume.open('log');
await file.append([new Uint8Array(1_000)]);
await file.sync();
await volume.replace('large', new Uint8Array(50_000));
postMessage('ready');

addEventListener('message', () => void tell());

async function tell(): Promise<void> {
  const kinds = await Promise.all(
    [
      file.append([new Uint8Array(10)]),
      file.read(0, 10),
      volume.replace('vote', new Uint8Array(10)),
      volume.readSmall('large'),
      volume.open('other'),
    ].map((call) =>
      call.then(
        () => 'done',
        ({ kind }: { kind: string }) => kind,
      ),
    ),
  );
  await volume.close().catch(() => {});
  const again = await openOpfsVolume({ name });
  const listed = await again.list('');
  await again.replace('vote', new Uint8Array(1));
  await again.close();
  postMessage({ kinds, listed });
}
