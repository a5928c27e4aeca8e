/**
 * What every Volume adapter must do. An adapter's test file is one call of `volumeContract` with a way to open it.
 *
 * THE FAULT MODEL. What may go wrong with a volume, and what its user may rely on all the same:
 *
 * 1. The process dies at any point (kill -9), the machine stays. All that an append, truncate, remove or replace has settled
 *    is there afterwards (durability 'os' and 'disk'). The lock of a dead owner does not keep the next one out.
 * 2. The machine dies at any point (durability 'disk'). What a sync has settled for is there: bytes appended, cuts made. A
 *    replace that has settled is there. Of bytes appended later any part may be missing: the tail is cut anywhere, and
 *    before the cut sectors may read as zeros or garbage even where later ones are sound. A later cut may be undone. A file
 *    that was never synced may be gone. A removed file may be back until the next sync or replace has settled.
 *    Synced bytes are never touched by what happens behind them.
 * 3. A replace that the crash interrupts leaves all of the old bytes or all of the new, or absent when there were no old ones.
 * 4. There is no room ('full'). The append that did not fit fails, as do the ones queued behind it; nothing settled is harmed;
 *    after a truncate the file can be used on.
 * 5. The device refuses an append ('failed'). The same: the bytes before it stay, the tail is undefined until a truncate.
 * 6. The device refuses a sync. Bytes since the last good sync may be lost although reads still give them. The file takes
 *    nothing more, on this handle or another of this volume, until it has been removed.
 * 7. Two owners at once: the second is refused ('locked'). Adapters say which owners they can see.
 * 8. Bytes rot where they lie. A volume does not notice: whoever keeps bytes keeps checksums.
 *
 * Not in the model, so nobody may rely on it: that two files are written in the order of the calls (only sync orders), that
 * appends reach the disk before sync, that an undurable remove stays undone.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  FILE_NAME_LENGTH_MAX,
  FILE_NAME_SEGMENT_LENGTH_MAX,
  type AppendFile,
  type Volume,
  type VolumeErrorKind,
} from '../volume.ts';
import { seededRandom } from './seeded-random.ts';

export interface VolumeSetup {
  /** Opens the volume, the same bytes each time. */
  open(): Promise<Volume>;
  /** Loses what is not durable; the open volume is dead then. Left out where that cannot be done. */
  crash?(): Promise<void>;
  /**
   * Makes the next such operation fail in the way of the device. Left out where that cannot be done; false where this one
   * cannot fail.
   */
  failNext?(operation: 'append' | 'sync' | 'replace', kind: 'full' | 'failed'): boolean | void;
  dispose(): Promise<void>;
}

const crashRounds = 40;
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const text = (value: string): Uint8Array =>
  Uint8Array.from(value, (character) => character.charCodeAt(0));
const refused = (kind: VolumeErrorKind, ...others: VolumeErrorKind[]) =>
  expect.objectContaining({
    name: 'VolumeError',
    kind: expect.toSatisfy((value: VolumeErrorKind) => [kind, ...others].includes(value)),
  });

/** Bytes that tell where they come from: a repeated slip by one chunk cannot go unseen. */
function pattern(length: number, seed: number): Uint8Array {
  const made = new Uint8Array(length);
  for (let i = 0; i < length; i++) made[i] = (i * 31 + (i >>> 8) * 17 + seed * 101) & 0xff;
  return made;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    whole.set(chunk, position);
    position += chunk.length;
  }
  return whole;
}

/** Equality of large byte arrays without a million-line report. */
function expectSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  expect(actual.findIndex((byte, i) => byte !== expected[i])).toBe(-1);
}

const whole = (file: AppendFile): Promise<Uint8Array> => file.read(0, file.sizeBytes);

export function volumeContract(
  name: string,
  setup: () => Promise<VolumeSetup> | VolumeSetup,
): void {
  describe(`${name} keeps the Volume contract`, { timeout: 20_000 }, () => {
    let host: VolumeSetup;
    let volume: Volume;
    beforeEach(async () => {
      host = await setup();
      volume = await host.open();
    });
    afterEach(async () => {
      await volume.close();
      await host.dispose();
    });
    const reopen = async (): Promise<void> => {
      await volume.close();
      volume = await host.open();
    };

    describe('appending', () => {
      it('puts the chunks of a call and the calls one behind the other', async () => {
        const file = await volume.open('words');
        expect(file.name).toBe('words');
        expect(file.sizeBytes).toBe(0);
        await file.append([text('one '), text('two '), text(''), text('three')]);
        await file.append([text(' four')]);
        expect(await whole(file)).toEqual(text('one two three four'));
        expect(file.sizeBytes).toBe(18);
      });

      it('keeps the order of calls that nobody waited for', async () => {
        const file = await volume.open('many');
        const chunks = Array.from({ length: 500 }, (_, i) => pattern(1 + ((i * 37) % 300), i));
        const settled: number[] = [];
        const calls = chunks.map((chunk, i) =>
          file
            .append(i % 3 === 0 ? [chunk.subarray(0, 1), chunk.subarray(1)] : [chunk])
            .then(() => settled.push(i)),
        );
        expect(file.sizeBytes).toBe(joined(chunks).length);
        await Promise.all(calls);
        expect(settled).toEqual(chunks.map((_, i) => i));
        expectSameBytes(await whole(file), joined(chunks));
      });

      it('takes more in one call than any one write of a system takes', async () => {
        const file = await volume.open('large');
        const chunks = Array.from({ length: 3_000 }, (_, i) => pattern(1_500, i));
        await Promise.all([
          file.append(chunks),
          file.append([pattern(2_500_000, 7)]),
          file.append([bytes(1)]),
        ]);
        expectSameBytes(await whole(file), joined([...chunks, pattern(2_500_000, 7), bytes(1)]));
      });

      it('takes nothing at all', async () => {
        const file = await volume.open('nothing');
        await file.append([]);
        await file.append([new Uint8Array(0)]);
        await file.sync();
        expect(file.sizeBytes).toBe(0);
        expect(await volume.list('nothing')).toEqual([{ name: 'nothing', sizeBytes: 0 }]);
      });

      it('takes chunks that are views into something larger', async () => {
        const file = await volume.open('views');
        const large = pattern(100, 1);
        await file.append([large.subarray(10, 20), large.subarray(50, 51)]);
        expect(await whole(file)).toEqual(joined([large.slice(10, 20), large.slice(50, 51)]));
      });
    });

    describe('reading', () => {
      it('gives what is there, and no more at the end', async () => {
        const file = await volume.open('digits');
        await file.append([text('0123456789')]);
        expect(await file.read(0, 10)).toEqual(text('0123456789'));
        expect(await file.read(3, 4)).toEqual(text('3456'));
        expect(await file.read(8, 100)).toEqual(text('89'));
        expect(await file.read(9, 1)).toEqual(text('9'));
        expect(await file.read(10, 1)).toEqual(bytes());
        expect(await file.read(1_000_000, 5)).toEqual(bytes());
        expect(await file.read(4, 0)).toEqual(bytes());
        expect(await file.read(2, Number.MAX_SAFE_INTEGER - 2)).toEqual(text('23456789'));
      });

      it('gives bytes that the reader may change', async () => {
        const file = await volume.open('own');
        await file.append([text('abc')]);
        const first = await whole(file);
        first.fill(0);
        expect(await whole(file)).toEqual(text('abc'));
      });

      it('gives plain arrays, whose slice is a copy', async () => {
        const file = await volume.open('plain');
        await file.append([text('abc')]);
        await volume.replace('small', text('abc'));
        for (const read of [await whole(file), await volume.readSmall('small')]) {
          if (read === undefined) throw new Error('absent');
          read.slice(0, 1).fill(0);
          expect(read).toEqual(text('abc'));
        }
      });

      it('runs beside appends and sees those that settled', async () => {
        const file = await volume.open('beside');
        const chunk = pattern(10_000, 3);
        await file.append([chunk]);
        const reads = [];
        for (let i = 1; i < 20; i++) {
          const appended = file.append([chunk]);
          reads.push(file.read(0, 10_000), file.read(5_000, 2_500));
          await appended;
          expectSameBytes(await file.read(i * 10_000, 10_000), chunk);
        }
        for (const read of await Promise.all(reads))
          expectSameBytes(read, read.length === 2_500 ? chunk.subarray(5_000, 7_500) : chunk);
      });

      it('refuses what is no place in a file', async () => {
        const file = await volume.open('places');
        await file.append([text('abc')]);
        for (const [position, length] of [
          [-1, 1],
          [0, -1],
          [0.5, 1],
          [0, Number.NaN],
          [Number.POSITIVE_INFINITY, 1],
        ] as const) {
          await expect(file.read(position, length)).rejects.toEqual(refused('invalid'));
        }
      });
    });

    describe('truncating', () => {
      it('cuts, and appends go on at the cut', async () => {
        const file = await volume.open('cut');
        await file.append([text('0123456789')]);
        await file.truncate(4);
        expect(file.sizeBytes).toBe(4);
        expect(await file.read(0, 10)).toEqual(text('0123'));
        await file.append([text('abc')]);
        expect(await whole(file)).toEqual(text('0123abc'));
        await file.truncate(7);
        await file.truncate(0);
        expect(await file.read(0, 10)).toEqual(bytes());
      });

      it('takes its turn among calls that nobody waited for', async () => {
        const file = await volume.open('turns');
        const calls = [
          file.append([text('aaaa')]),
          file.append([text('bbbb')]),
          file.truncate(6),
          file.append([text('cc')]),
          file.sync(),
          file.truncate(7),
          file.append([text('d')]),
        ];
        expect(file.sizeBytes).toBe(8);
        await Promise.all(calls);
        expect(await whole(file)).toEqual(text('aaaabbcd'));
      });

      it('never grows a file', async () => {
        const file = await volume.open('grow');
        await file.append([text('abc')]);
        await expect(file.truncate(4)).rejects.toEqual(refused('invalid'));
        await expect(file.truncate(-1)).rejects.toEqual(refused('invalid'));
        await expect(file.truncate(1.5)).rejects.toEqual(refused('invalid'));
        expect(file.sizeBytes).toBe(3);
        await file.append([text('d')]);
        expect(await whole(file)).toEqual(text('abcd'));
      });
    });

    describe('syncing', () => {
      it('settles for every caller, however many ask at once', async () => {
        const file = await volume.open('syncs');
        const calls = [];
        for (let i = 0; i < 50; i++) calls.push(file.append([bytes(i)]), file.sync(), file.sync());
        await Promise.all(calls);
        await file.sync();
        expect(await whole(file)).toEqual(Uint8Array.from({ length: 50 }, (_, i) => i));
      });

      it('does not settle before the appends that were called before it', async () => {
        const file = await volume.open('behind');
        const order: string[] = [];
        await Promise.all([
          file.append([pattern(3_000_000, 1)]).then(() => order.push('append')),
          file.sync().then(() => order.push('sync')),
        ]);
        expect(order).toEqual(['append', 'sync']);
      });

      it('does not wait for ever where appends never end', async () => {
        const file = await volume.open('endless');
        let stop = false;
        const appending = (async () => {
          while (!stop) await Promise.all([file.append([bytes(1)]), file.append([bytes(2)])]);
        })();
        await file.sync();
        await file.sync();
        stop = true;
        await appending;
      });
    });

    describe('names', () => {
      it('are listed by prefix, sorted, with sizes', async () => {
        for (const [name, size] of [
          ['b/2.log', 2],
          ['b/1.log', 1],
          ['b-1/1.log', 3],
          ['a', 4],
          ['b.txt', 0],
          ['c/d/e/f.g', 5],
        ] as const) {
          const file = await volume.open(name);
          await file.append([pattern(size, 1)]);
          await file.close();
        }
        await volume.replace('b/small', text('six...'));
        const listed = async (prefix: string) =>
          (await volume.list(prefix)).map((entry) => `${entry.name}:${entry.sizeBytes}`);
        expect(await listed('')).toEqual([
          'a:4',
          'b-1/1.log:3',
          'b.txt:0',
          'b/1.log:1',
          'b/2.log:2',
          'b/small:6',
          'c/d/e/f.g:5',
        ]);
        expect(await listed('b')).toEqual([
          'b-1/1.log:3',
          'b.txt:0',
          'b/1.log:1',
          'b/2.log:2',
          'b/small:6',
        ]);
        expect(await listed('b/')).toEqual(['b/1.log:1', 'b/2.log:2', 'b/small:6']);
        expect(await listed('b/1')).toEqual(['b/1.log:1']);
        expect(await listed('c/d')).toEqual(['c/d/e/f.g:5']);
        expect(await listed('c/d/e/f.g')).toEqual(['c/d/e/f.g:5']);
        expect(await listed('absent/')).toEqual([]);
        expect(await listed('a/')).toEqual([]);
        expect(await listed('../')).toEqual([]);
        expect(await listed('/')).toEqual([]);
      });

      it('of a new volume are none', async () => {
        expect(await volume.list('')).toEqual([]);
      });

      it('that are open are listed too, with the bytes that settled', async () => {
        const file = await volume.open('open/now');
        await file.append([text('abc')]);
        expect(await volume.list('open')).toEqual([{ name: 'open/now', sizeBytes: 3 }]);
      });

      const segment = 'a'.repeat(FILE_NAME_SEGMENT_LENGTH_MAX);
      const legal = [
        'a',
        'A.b-c_9',
        '..a',
        'a..',
        '...',
        '-',
        'deep/er/and/deep/er/still',
        segment,
        `${segment}/${segment}`,
      ];
      const illegal = [
        '',
        '.',
        '..',
        '../a',
        'a/../b',
        'a/..',
        './a',
        'a/./b',
        '/a',
        'a/',
        'a//b',
        'a\\b',
        '..\\a',
        'C:',
        'a\0',
        'a b',
        'ä',
        'a\n',
        '~a',
        `${segment}a`,
        `${segment}/`.repeat(Math.ceil(FILE_NAME_LENGTH_MAX / segment.length)) + 'a',
      ];

      it.each(legal)('may be %j', async (name) => {
        await volume.replace(name, text('x'));
        expect(await volume.readSmall(name)).toEqual(text('x'));
        const file = await volume.open(name);
        await file.append([text('y')]);
        expect(await whole(file)).toEqual(text('xy'));
        expect(await volume.list('')).toEqual([{ name, sizeBytes: 2 }]);
      });

      it.each(illegal)('may not be %j', async (name) => {
        await expect(volume.open(name)).rejects.toEqual(refused('invalid'));
        await expect(volume.remove(name)).rejects.toEqual(refused('invalid'));
        await expect(volume.replace(name, text('x'))).rejects.toEqual(refused('invalid'));
        await expect(volume.readSmall(name)).rejects.toEqual(refused('invalid'));
        expect(await volume.list('')).toEqual([]);
      });

      it('are held by whoever has opened them', async () => {
        const file = await volume.open('held');
        await expect(volume.open('held')).rejects.toEqual(refused('locked'));
        await expect(volume.remove('held')).rejects.toEqual(refused('locked', 'invalid'));
        await expect(volume.replace('held', text('x'))).rejects.toEqual(
          refused('locked', 'invalid'),
        );
        await file.append([text('still good')]);
        await file.close();
        const again = await volume.open('held');
        expect(await whole(again)).toEqual(text('still good'));
      });

      it('go to one of two who open at once', async () => {
        const outcomes = await Promise.allSettled([volume.open('race'), volume.open('race')]);
        expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected']);
      });
    });

    describe('removing', () => {
      it('takes the file away, and a new one may have its name', async () => {
        const file = await volume.open('gone/soon.log');
        await file.append([text('abc')]);
        await file.close();
        await volume.remove('gone/soon.log');
        expect(await volume.list('')).toEqual([]);
        expect(await volume.readSmall('gone/soon.log')).toBeUndefined();
        const again = await volume.open('gone/soon.log');
        expect(again.sizeBytes).toBe(0);
      });

      it('of what is absent is no error', async () => {
        await volume.remove('never/was');
        await volume.remove('never');
      });

      it('frees the name of a folder that is empty now', async () => {
        await volume.replace('x/y/z', text('1'));
        await volume.remove('x/y/z');
        await volume.replace('x', text('2'));
        expect(await volume.list('')).toEqual([{ name: 'x', sizeBytes: 1 }]);
      });

      it('takes its turn among calls that nobody waited for', async () => {
        await Promise.all([
          volume.replace('turn/a', text('1')),
          volume.remove('turn/a'),
          volume.replace('turn/a', text('22')),
          volume.replace('turn/b', text('1')),
          volume.remove('turn/b'),
        ]);
        expect(await volume.list('turn/')).toEqual([{ name: 'turn/a', sizeBytes: 2 }]);
      });
    });

    describe('replacing', () => {
      it('changes all of a small file', async () => {
        expect(await volume.readSmall('checkpoint')).toBeUndefined();
        expect(await volume.readSmall('folder/checkpoint')).toBeUndefined();
        for (const content of ['first', 'the second is longer', '3', '']) {
          await volume.replace('checkpoint', text(content));
          expect(await volume.readSmall('checkpoint')).toEqual(text(content));
        }
        expect(await volume.list('')).toEqual([{ name: 'checkpoint', sizeBytes: 0 }]);
      });

      it('ends with the last of several calls', async () => {
        await Promise.all(
          Array.from({ length: 20 }, (_, i) => volume.replace('vote', text(`vote ${i}`))),
        );
        expect(await volume.readSmall('vote')).toEqual(text('vote 19'));
      });

      it('shows a reader the old bytes or the new, never a mixture', async () => {
        await volume.replace('both', pattern(50_000, 0));
        const reads: Promise<Uint8Array | undefined>[] = [];
        const writes = Array.from({ length: 10 }, (_, i) => {
          const written = volume.replace('both', new Uint8Array(50_000 + i).fill(i));
          reads.push(volume.readSmall('both'), volume.readSmall('both'));
          return written;
        });
        await Promise.all(writes);
        for (const read of await Promise.all(reads)) {
          if (read === undefined) throw new Error('absent for a moment');
          expectSameBytes(
            read,
            read.length === 50_000 && read[1] !== 0
              ? pattern(50_000, 0)
              : new Uint8Array(read.length).fill(read.length - 50_000),
          );
        }
      });

      it('keeps the bytes that it was called with', async () => {
        const content = text('before');
        const replaced = volume.replace('copy', content);
        await replaced;
        content.fill(0);
        expect(await volume.readSmall('copy')).toEqual(text('before'));
      });
    });

    describe('owners', () => {
      it('find the bytes of the owner before', async () => {
        const file = await volume.open('log/0');
        await file.append([pattern(100_000, 1)]);
        await file.truncate(90_000);
        await volume.replace('log/checkpoint', text('90000'));
        await reopen();
        const again = await volume.open('log/0');
        expect(again.sizeBytes).toBe(90_000);
        expectSameBytes(await whole(again), pattern(100_000, 1).subarray(0, 90_000));
        await again.append([text('more')]);
        expect(await again.read(89_999, 10)).toEqual(
          joined([pattern(100_000, 1).subarray(89_999, 90_000), text('more')]),
        );
        expect(await volume.readSmall('log/checkpoint')).toEqual(text('90000'));
      });

      it('are one at a time', async () => {
        await expect(host.open()).rejects.toEqual(refused('locked'));
        await volume.replace('mine', text('still'));
        await reopen();
        expect(await volume.readSmall('mine')).toEqual(text('still'));
      });

      it('may use nothing that they closed', async () => {
        const closed = await volume.open('closed');
        const left = await volume.open('left');
        await closed.append([text('abc')]);
        await closed.close();
        await closed.close();
        const refusedOn = async (file: AppendFile): Promise<void> => {
          await expect(file.append([text('x')])).rejects.toEqual(refused('closed'));
          await expect(file.read(0, 1)).rejects.toEqual(refused('closed'));
          await expect(file.truncate(0)).rejects.toEqual(refused('closed'));
          await expect(file.sync()).rejects.toEqual(refused('closed'));
        };
        await refusedOn(closed);
        await volume.close();
        await volume.close();
        await refusedOn(left);
        await expect(volume.open('a')).rejects.toEqual(refused('closed'));
        await expect(volume.list('')).rejects.toEqual(refused('closed'));
        await expect(volume.remove('a')).rejects.toEqual(refused('closed'));
        await expect(volume.replace('a', text('x'))).rejects.toEqual(refused('closed'));
        await expect(volume.readSmall('a')).rejects.toEqual(refused('closed'));
        await left.close();
      });

      it('close only after what they called before', async () => {
        const file = await volume.open('last/words');
        const calls = [
          file.append([pattern(200_000, 1)]),
          file.append([text('end')]),
          file.sync(),
          volume.replace('last/vote', text('7')),
        ];
        const reading = file.read(0, 10);
        await volume.close();
        await Promise.all(calls);
        await reading;
        volume = await host.open();
        const again = await volume.open('last/words');
        expectSameBytes(await whole(again), joined([pattern(200_000, 1), text('end')]));
        expect(await volume.readSmall('last/vote')).toEqual(text('7'));
      });

      it('may have many files open', async () => {
        const count = Math.min(400, volume.traits.openFilesMax);
        const files = await Promise.all(
          Array.from({ length: count }, (_, i) =>
            volume.open(`topic-${i % 80}/${String(i).padStart(20, '0')}.log`),
          ),
        );
        await Promise.all(files.map((file, i) => file.append([pattern(i, i)])));
        await Promise.all(files.map((file) => file.sync()));
        const listed = await volume.list('topic-');
        expect(listed.length).toBe(count);
        expect(listed.map((entry) => entry.name)).toEqual(
          listed.map((entry) => entry.name).toSorted(),
        );
        for (const [i, file] of files.entries()) expectSameBytes(await whole(file), pattern(i, i));
      });
    });

    describe('a device that refuses', () => {
      const inject = (
        operation: 'append' | 'sync' | 'replace',
        kind: 'full' | 'failed',
      ): boolean => {
        if (host.failNext === undefined) return false;
        return host.failNext(operation, kind) !== false;
      };

      it.each(['full', 'failed'] as const)(
        'an append (%s) stops the file until it is truncated',
        async (kind) => {
          const file = await volume.open('stops');
          await file.append([text('good')]);
          if (!inject('append', kind)) return;
          // One write may carry several appends: which of them fail is the adapter's, but never one before one that settles.
          const outcomes = await Promise.allSettled([
            file.append([text('aaaa')]),
            file.append([text('bbbb')]),
            file.sync(),
            file.append([text('cccc')]),
          ]);
          for (const outcome of outcomes)
            expect(outcome).toEqual({ status: 'rejected', reason: refused(kind) });
          await expect(file.append([text('dddd')])).rejects.toEqual(refused(kind));
          await expect(file.sync()).rejects.toEqual(refused(kind));
          expect(await file.read(0, 4)).toEqual(text('good'));
          await file.truncate(4);
          await Promise.all([file.append([text(' again')]), file.sync()]);
          expect(await whole(file)).toEqual(text('good again'));
          await file.truncate(9);
          await file.close();
          expect(await volume.list('stops')).toEqual([{ name: 'stops', sizeBytes: 9 }]);
        },
      );

      it('an append lets a truncate through that was called without waiting', async () => {
        const file = await volume.open('era');
        await file.append([text('good')]);
        if (!inject('append', 'failed')) return;
        const outcomes = await Promise.allSettled([
          file.append([text('aaaa')]),
          file.truncate(4),
          file.append([text(' more')]),
          file.sync(),
        ]);
        expect(outcomes.map((outcome) => outcome.status)).toEqual([
          'rejected',
          'fulfilled',
          'fulfilled',
          'fulfilled',
        ]);
        expect(file.sizeBytes).toBe(9);
        expect(await whole(file)).toEqual(text('good more'));
      });

      it('an append refuses a truncate that would keep what failed', async () => {
        const file = await volume.open('kept');
        await file.append([text('good')]);
        if (!inject('append', 'failed')) return;
        const outcomes = await Promise.allSettled([
          file.append([text('aaaa')]),
          file.truncate(6),
          file.append([text('x')]),
        ]);
        expect(outcomes.map((outcome) => outcome.status)).toEqual([
          'rejected',
          'rejected',
          'rejected',
        ]);
        await file.truncate(4);
        await file.append([text('!')]);
        expect(await whole(file)).toEqual(text('good!'));
      });

      it('a sync poisons the file for ever', async () => {
        const file = await volume.open('poison');
        await Promise.all([file.append([text('abc')]), file.sync()]);
        await file.append([text('def')]);
        if (!inject('sync', 'failed')) return;
        await expect(file.sync()).rejects.toEqual(refused('failed'));
        await expect(file.sync()).rejects.toEqual(refused('failed'));
        await expect(file.append([text('x')])).rejects.toEqual(refused('failed'));
        await expect(file.truncate(3)).rejects.toEqual(refused('failed'));
        expect(await file.read(0, 3)).toEqual(text('abc'));
        await file.close();
        await expect(volume.open('poison')).rejects.toEqual(refused('failed'));
        await volume.remove('poison');
        const fresh = await volume.open('poison');
        await Promise.all([fresh.append([text('ok')]), fresh.sync()]);
      });

      it.each(['full', 'failed'] as const)('a replace (%s) leaves the old bytes', async (kind) => {
        await volume.replace('vote', text('old'));
        if (!inject('replace', kind)) return;
        await expect(volume.replace('vote', text('newer'))).rejects.toEqual(refused(kind));
        expect(await volume.readSmall('vote')).toEqual(text('old'));
        expect(await volume.list('')).toEqual([{ name: 'vote', sizeBytes: 3 }]);
        await volume.replace('vote', text('newest'));
        expect(await volume.readSmall('vote')).toEqual(text('newest'));
      });
    });

    describe('a crash', () => {
      /** Runs `history` and crashes, many times; `check` sees the volume that came back. False where the host cannot crash. */
      const afterCrashes = async (
        history: (round: number) => Promise<void>,
        check: (round: number) => Promise<void>,
      ): Promise<void> => {
        if (host.crash === undefined || volume.traits.durability === 'none') return;
        for (let round = 0; round < crashRounds; round++) {
          await history(round);
          await host.crash();
          volume = await host.open();
          await check(round);
        }
      };

      it('keeps what was synced, whatever came behind it', async () => {
        const random = seededRandom(7);
        await afterCrashes(
          async (round) => {
            const file = await volume.open(`log-${round}`);
            await file.append([pattern(1_000 + round, round)]);
            await file.sync();
            const behind = Promise.allSettled([
              file.append([random.bytes(random.uint32() % 5_000)]),
              file.append([random.bytes(700)]),
            ]);
            if (round % 2 === 0) await behind;
          },
          async (round) => {
            const file = await volume.open(`log-${round}`);
            expectSameBytes(await file.read(0, 1_000 + round), pattern(1_000 + round, round));
            expect(file.sizeBytes).toBeLessThanOrEqual(1_000 + round + 5_700);
          },
        );
      });

      it('keeps a cut that was synced', async () => {
        await afterCrashes(
          async (round) => {
            const file = await volume.open(`cut-${round}`);
            await Promise.all([
              file.append([pattern(2_000, 1)]),
              file.sync(),
              file.truncate(500),
              file.append([pattern(100, 2)]),
              file.truncate(550),
              file.sync(),
            ]);
          },
          async (round) => {
            const file = await volume.open(`cut-${round}`);
            expectSameBytes(
              await whole(file),
              joined([pattern(2_000, 1).subarray(0, 500), pattern(100, 2).subarray(0, 50)]),
            );
          },
        );
      });

      it('may undo a cut that was not synced, and then gives the synced bytes whole', async () => {
        await afterCrashes(
          async (round) => {
            const file = await volume.open(`undo-${round}`);
            await Promise.all([file.append([pattern(2_000, 1)]), file.sync(), file.truncate(700)]);
          },
          async (round) => {
            const file = await volume.open(`undo-${round}`);
            expect([700, 2_000]).toContain(file.sizeBytes);
            expectSameBytes(await whole(file), pattern(2_000, 1).subarray(0, file.sizeBytes));
          },
        );
      });

      it('leaves the old small file or the new', async () => {
        await afterCrashes(
          async (round) => {
            await volume.replace('vote', new Uint8Array(3_000).fill(round));
            const interrupted = volume.replace('vote', new Uint8Array(4_000).fill(100 + round));
            interrupted.catch(() => {});
            if (round % 3 === 0) await interrupted;
          },
          async (round) => {
            const read = await volume.readSmall('vote');
            if (read === undefined) throw new Error('neither old nor new');
            const isNew = read.length === 4_000;
            if (round % 3 === 0) expect(isNew).toBe(true);
            expectSameBytes(
              read,
              new Uint8Array(isNew ? 4_000 : 3_000).fill(isNew ? 100 + round : round),
            );
          },
        );
      });

      it('keeps away what was removed before a sync or replace of anything', async () => {
        await afterCrashes(
          async (round) => {
            await volume.replace(`old/${round}`, text('x'));
            await volume.remove(`old/${round}`);
            if (round % 2 === 0) return volume.replace('other', text('y'));
            const file = await volume.open('log');
            return file.sync();
          },
          async () => {
            expect(await volume.list('old/')).toEqual([]);
          },
        );
      });

      it('leaves a volume that can be used on', async () => {
        await afterCrashes(
          async (round) => {
            const file = await volume.open('on');
            expect(file.sizeBytes).toBeGreaterThanOrEqual(round * 10);
            await file.truncate(round * 10);
            await Promise.all([file.append([pattern(10, round)]), file.sync()]);
            void file.append([pattern(900, 1)]).catch(() => {});
          },
          async () => {},
        );
      });
    });
  });
}
