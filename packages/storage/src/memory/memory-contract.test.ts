import { seededRandom, volumeContract } from '@odradek/ports/testing';
import { MemoryDisk } from './index.ts';

volumeContract('memory', () => {
  const disk = new MemoryDisk({ random: seededRandom(20), traits: { durability: 'disk' } });
  return {
    open: async () => disk.mount(),
    crash: async () => disk.crash(),
    failNext: (operation, kind) => disk.failNext(operation, kind),
    dispose: async () => {},
  };
});
