/** The `odradek` command. Only what a command needs is run: a client's command never touches the broker. */
import { createNodeWorld } from './node-world.ts';
import { run } from './run.ts';
import { version } from './version.ts';

// Since the process began, of which loading Node and this file is a part that the person waits for too.
const startedMs = 0;

void run(process.argv.slice(2), createNodeWorld(version, startedMs)).then((exitCode) => {
  // All that was to be written is written. What still lingers (a socket that closes, a timer) is no reason to stay.
  process.exit(exitCode);
});
