import { seededRandom } from '@odradek/ports/testing';
import { describe, expect, it } from 'vitest';
import { CATALOG_BYTES_MIN, Catalog, type Place } from './catalog.ts';
import type { SyncHandle } from './handles.ts';

/** A file in memory that remembers what was flushed, and can lose the rest. */
class FakeHandle implements SyncHandle {
  bytes = new Uint8Array(0);
  flushed = new Uint8Array(0);
  /** After so many more writes, the next one is cut short and the program is dead. */
  writesLeft = Number.POSITIVE_INFINITY;

  read(bytes: Uint8Array, { at }: { at: number }): number {
    const read = this.bytes.subarray(at, at + bytes.length);
    bytes.set(read);
    return read.length;
  }

  write(bytes: Uint8Array, { at }: { at: number }): number {
    if (this.writesLeft-- <= 0) throw new Error('dead');
    const grown = new Uint8Array(Math.max(this.bytes.length, at + bytes.length));
    grown.set(this.bytes);
    grown.set(bytes, at);
    this.bytes = grown;
    return bytes.length;
  }

  truncate(sizeBytes: number): void {
    this.bytes = this.bytes.slice(0, sizeBytes);
  }

  getSize(): number {
    return this.bytes.length;
  }

  flush(): void {
    this.flushed = this.bytes.slice();
  }

  close(): void {}
}

type Handles = readonly [FakeHandle, FakeHandle];

const newHandles = (): Handles => [new FakeHandle(), new FakeHandle()];
const open = (handles: Handles, hasFiles = false): Catalog =>
  Catalog.open(handles, 'here', hasFiles);
const stored = (id: number): Place => ({ kind: 'stored', id });
const inline = (...bytes: number[]): Place => ({ kind: 'inline', bytes: Uint8Array.from(bytes) });
const contents = (catalog: Catalog): Record<string, Place> =>
  Object.fromEntries([...catalog.names].toSorted());

const fingerprint = (catalog: Catalog): string =>
  [...catalog.names]
    .map(([name, place]) =>
      place.kind === 'inline'
        ? `${name} ${place.bytes.length} ${place.bytes.subarray(0, 8).join()}`
        : `${name} ${place.id}`,
    )
    .toSorted()
    .join('; ');

describe('the catalog', () => {
  it('tells the next owner what the one before has said', () => {
    const handles = newHandles();
    const catalog = open(handles);
    catalog.set('topic-0/log', stored(1));
    catalog.set('vote', inline(1, 2, 3));
    catalog.set('gone', inline(9));
    catalog.set('vote', inline(4));
    catalog.delete('gone');
    catalog.delete('never was');
    expect(contents(open(handles))).toEqual({ 'topic-0/log': stored(1), vote: inline(4) });
  });

  it('stays short, however often the same is replaced', () => {
    const handles = newHandles();
    let catalog = open(handles);
    for (let i = 0; i < 700; i++) {
      catalog.set('vote', { kind: 'inline', bytes: new Uint8Array(2_000).fill(i) });
      if (i % 50 === 0) catalog.set(`log-${i % 400}`, stored(i));
      if (i % 97 === 0) catalog = open(handles);
    }
    for (const handle of handles) expect(handle.getSize()).toBeLessThan(CATALOG_BYTES_MIN + 4_000);
    expect(contents(open(handles))).toEqual(contents(catalog));
    expect(catalog.get('vote')).toEqual({
      kind: 'inline',
      bytes: new Uint8Array(2_000).fill(699),
    });
  });

  it('has all that was flushed, whichever write was the last', () => {
    const random = seededRandom(11);
    for (let round = 0; round < 15; round++) {
      const handles = newHandles();
      let catalog = open(handles);
      const states = [fingerprint(catalog)];
      let flushedState = 0;
      const [one, other] = handles;
      one.writesLeft = other.writesLeft = 5 + (random.uint32() % 200);
      try {
        for (let i = 0; ; i++) {
          catalog.set(`file-${random.uint32() % 5}`, {
            kind: 'inline',
            bytes: random.bytes(random.uint32() % 6_000),
          });
          states.push(fingerprint(catalog));
          if (random.uint32() % 3 > 0) continue;
          catalog.flush();
          flushedState = states.length - 1;
        }
      } catch {
        // The power is gone: of each file all that was flushed is left, and some of what came behind it.
        for (const handle of handles) {
          const from = handle.flushed.length;
          const isSame = handle.bytes
            .subarray(0, from)
            .every((byte, i) => byte === handle.flushed[i]);
          const left = random.uint32() % (Math.max(0, handle.bytes.length - from) + 1);
          handle.bytes = isSame ? handle.bytes.slice(0, from + left) : handle.bytes;
          handle.writesLeft = Number.POSITIVE_INFINITY;
        }
      }
      catalog = open(handles);
      const found = states.lastIndexOf(fingerprint(catalog));
      expect(found).toBeGreaterThanOrEqual(flushedState);
      // And it goes on from there.
      catalog.set('next', inline(1));
      expect(open(handles).get('next')).toEqual(inline(1));
    }
  });

  it('is begun anew whole or not at all, wherever that is cut off', () => {
    for (let writes = 0; writes < 6; writes++) {
      const handles = newHandles();
      const catalog = open(handles);
      catalog.set('log', stored(7));
      const big = new Uint8Array(CATALOG_BYTES_MIN / 4);
      for (let i = 0; i < 3; i++) catalog.set('vote', { kind: 'inline', bytes: big });
      catalog.flush();
      // The next write makes it too long; the other file is written then.
      const spare = handles.find((it) => it.getSize() === 0)!;
      spare.writesLeft = writes;
      catalog.set('vote', inline(1));
      catalog.set('vote', { kind: 'inline', bytes: big });
      catalog.set('vote', inline(2));
      spare.writesLeft = Number.POSITIVE_INFINITY;
      expect(contents(open(handles))).toEqual({ log: stored(7), vote: inline(2) });
    }
  });

  it('drops a torn end, and refuses one that is damaged further up', () => {
    const handles = newHandles();
    const catalog = open(handles);
    const handle = handles.find((it) => it.getSize() > 0)!;
    catalog.set('a', stored(1));
    catalog.flush();
    const whole = handle.getSize();
    catalog.set('b', stored(2));
    handle.bytes = handle.bytes.slice(0, whole + 9);
    expect(contents(open(handles))).toEqual({ a: stored(1) });
    expect(handle.getSize()).toBe(whole);

    const again = open(handles);
    again.set('c', stored(3));
    again.flush();
    again.set('d', stored(4));
    handle.bytes[whole - 1]! ^= 1;
    const before = handle.bytes.slice();
    expect(() => open(handles)).toThrow(/catalog is damaged/);
    expect(handle.bytes).toEqual(before);
  });

  it('is not begun for files that somebody’s catalog must know', () => {
    expect(() => open(newHandles(), true)).toThrow(/neither of its two catalogs/);
  });

  it('takes nothing more after a flush that failed', () => {
    const handles = newHandles();
    const catalog = open(handles);
    catalog.set('a', stored(1));
    for (const handle of handles)
      handle.flush = () => {
        throw new Error('the disk is gone');
      };
    expect(() => catalog.flush()).toThrow('the disk is gone');
    for (const handle of handles) handle.flush = () => {};
    expect(() => catalog.flush()).toThrow('the disk is gone');
    expect(() => catalog.set('b', stored(2))).toThrow('the disk is gone');
  });
});
