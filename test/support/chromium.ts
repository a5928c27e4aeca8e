/** The system's Chromium (scripts/setup.mjs installs it with apt), and how it is started for tests. */
import { statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Undefined where there is none. */
export const findChromium = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => ['chromium', 'chromium-browser'].map((name) => join(folder, name)))
    .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);

/** The sandbox needs namespaces, which a container's root has not; the rest keeps it from talking to anybody but us. */
export const chromiumFlags: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
