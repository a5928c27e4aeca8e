import { volumeContract } from '@odradek/ports/testing';
import { databaseSetup } from './testing.ts';

for (const durability of ['strict', 'relaxed'] as const)
  volumeContract(`indexeddb, ${durability}`, () => databaseSetup(durability));
