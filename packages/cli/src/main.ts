/** The `odradek` command. Only what a command needs is loaded: a client's command never loads the broker. */
import { createNodeWorld } from './node-world.ts';
import { run } from './run.ts';
import { version } from './version.ts';

// Since the process began, of which loading Node and this file is a part that the person waits for too.
const startedMs = 0;

process.exitCode = await run(process.argv.slice(2), createNodeWorld(version, startedMs));
