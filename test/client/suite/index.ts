/** The whole of it, over one door and one broker. */
import { afterAll, beforeAll, describe } from 'vitest';
import { administering } from './administering.ts';
import { badInput } from './bad-input.ts';
import { bus } from './bus.ts';
import { consuming } from './consuming.ts';
import { coordinating } from './coordinating.ts';
import type { Door } from './door.ts';
import { groups } from './groups.ts';
import { producing } from './producing.ts';
import { quiet } from './quiet.ts';
import { rebalance } from './rebalance.ts';
import { restarts } from './restarts.ts';
import { World } from './world.ts';

export type { Door } from './door.ts';

export function clientSuite(door: Door): void {
  describe(`over ${door.name}`, () => {
    const world = new World(door);
    quiet();
    beforeAll(() => world.start(), 120_000);
    afterAll(() => world.stop());
    for (const part of [
      producing,
      consuming,
      groups,
      rebalance,
      administering,
      bus,
      coordinating,
      badInput,
      restarts,
    ])
      part(world);
  });
}
