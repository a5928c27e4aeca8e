/** What goes for good, one after the other: each is asked for and told by itself, so that what went is known when the next is refused. */
import { confirmByName, say } from './messages.ts';
import { writeJson } from './table.ts';
import type { World } from './world.ts';

interface Deletion {
  /** What it is called in JSON. */
  readonly field: string;
  /** What goes with it; throws when it may not go. */
  readonly warn: (name: string) => string | Promise<string>;
  readonly remove: (name: string) => Promise<void>;
}

export async function deleteEach(
  world: World,
  names: readonly string[],
  {
    yes = false,
    json,
  }: { readonly yes?: boolean | undefined; readonly json?: boolean | undefined },
  { field, warn, remove }: Deletion,
): Promise<void> {
  for (const name of names) {
    await confirmByName(world, name, await warn(name), yes);
    await remove(name);
    if (json) await writeJson(world, [{ [field]: name, deleted: true }]);
    else await say(world, `deleted ${name}`);
  }
}
