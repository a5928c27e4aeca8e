/**
 * Which files there are: the names, and for each the number of the file of the browser's that holds its bytes, or the bytes
 * themselves when there are few. OPFS has no rename that is promised to be atomic, and making a file there costs a hundred
 * times what appending to one does; so names live here, a replace is one appended entry, and folders need not exist.
 *
 * The catalog is a journal: entries appended one behind the other, each with its checksum. When it has become long it is begun
 * anew in the other one of two files: all that is in force, an entry that says "complete", a flush, and only then is that file
 * the catalog. Until then it is not complete and counts for nothing, and the old one still says all; so whenever the
 * program dies, the newest complete one of the two is the truth, and no step needs more of the browser than that `flush`
 * brings down what was written to one file before it.
 *
 * What was torn at the end by a crash is cut off: it had not been flushed, so nobody was told that it is there. But each
 * entry also tells how much was flushed when it was written: an intact one that knows more to be flushed than can be read is
 * proof of damage, and then nothing is opened, rather than files forgotten.
 */
import { VolumeError } from '@odradek/ports';
import { readUpTo, sizeOf, writeAll, type SyncHandle } from './handles.ts';

/** Where a file's bytes are. */
export type Place =
  | { readonly kind: 'stored'; readonly id: number }
  | { readonly kind: 'inline'; readonly bytes: Uint8Array };

/** A catalog longer than this, and than four times what is in force, is begun anew. */
export const CATALOG_BYTES_MIN = 256 * 1024;
const CATALOG_GROWTH = 4;

const MAGIC = 0x4f445243; // ODRC
const VERSION = 1;
/** magic, checksum, length of the body, kind and length of the name, then how much is flushed. */
const HEADER_BYTES = 24;
const CHECKED_FROM = 8;

const Kind = { begin: 1, complete: 2, stored: 3, inline: 4, removed: 5 } as const;

interface Entry {
  readonly kind: number;
  readonly name: string;
  readonly body: Uint8Array;
  readonly flushedBytes: number;
  readonly end: number;
}

interface Side {
  readonly handle: SyncHandle;
  generation: number;
  sizeBytes: number;
  flushedBytes: number;
}

export class Catalog {
  readonly #places: Map<string, Place>;
  #active: Side;
  #spare: Side;
  /** As entries, what is in force. */
  #liveBytes: number;
  /** Of a flush. */
  #failure: unknown;
  readonly #crcTable: Uint32Array;

  private constructor(places: Map<string, Place>, active: Side, spare: Side, table: Uint32Array) {
    this.#places = places;
    this.#active = active;
    this.#spare = spare;
    this.#crcTable = table;
    this.#liveBytes = 0;
    for (const [name, place] of places) this.#liveBytes += entryBytes(name, place);
  }

  /** Takes the two files over. Where there are files already, a catalog must be there too: it is not begun for them. */
  static open(
    handles: readonly [SyncHandle, SyncHandle],
    location: string,
    hasFiles: boolean,
  ): Catalog {
    const table = crcTable();
    const read = handles.map((handle) => readSide(handle, table, location));
    const newest = read
      .filter((it) => it.isComplete)
      .toSorted((a, b) => b.side.generation - a.side.generation)[0];
    if (newest !== undefined) {
      const { side, places } = newest;
      if (sizeOf(side.handle) > side.sizeBytes) side.handle.truncate(side.sizeBytes);
      // What an owner before us has written may not have been flushed.
      side.handle.flush();
      side.flushedBytes = side.sizeBytes;
      const spare = read.find((it) => it !== newest)!.side;
      return new Catalog(places, side, spare, table);
    }
    if (hasFiles) throw damaged(location, 'neither of its two catalogs is whole');
    const [a, b] = read as [(typeof read)[0], (typeof read)[0]];
    const catalog = new Catalog(new Map(), a.side, b.side, table);
    catalog.#beginAnew();
    return catalog;
  }

  get names(): IterableIterator<[string, Place]> {
    return this.#places.entries();
  }

  get(name: string): Place | undefined {
    return this.#places.get(name);
  }

  /** Not flushed yet. Throws when it cannot be written, and then nothing has changed. */
  set(name: string, place: Place): void {
    this.#append(place.kind === 'stored' ? Kind.stored : Kind.inline, name, bodyOf(place));
    this.#drop(name);
    this.#places.set(name, place);
    this.#liveBytes += entryBytes(name, place);
    this.#shorten();
  }

  /** Not flushed yet. */
  delete(name: string): void {
    if (!this.#places.has(name)) return;
    this.#append(Kind.removed, name, nothing);
    this.#drop(name);
    this.#shorten();
  }

  get isFlushed(): boolean {
    return this.#active.flushedBytes === this.#active.sizeBytes;
  }

  flush(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.isFlushed) return;
    try {
      this.#active.handle.flush();
    } catch (error) {
      // Tried again, it might be said to have gone well, and would not have.
      this.#failure = error;
      throw error;
    }
    this.#active.flushedBytes = this.#active.sizeBytes;
  }

  close(): void {
    this.#active.handle.close();
    this.#spare.handle.close();
  }

  #drop(name: string): void {
    const place = this.#places.get(name);
    if (place === undefined) return;
    this.#places.delete(name);
    this.#liveBytes -= entryBytes(name, place);
  }

  #append(kind: number, name: string, body: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    const side = this.#active;
    const bytes = this.#encode(side, kind, name, body);
    try {
      writeAll(side.handle, bytes, side.sizeBytes);
    } catch (error) {
      side.handle.truncate(side.sizeBytes);
      throw error;
    }
    side.sizeBytes += bytes.length;
  }

  #shorten(): void {
    const { sizeBytes } = this.#active;
    if (sizeBytes < CATALOG_BYTES_MIN || sizeBytes < CATALOG_GROWTH * this.#liveBytes) return;
    try {
      this.#beginAnew();
    } catch {
      // No room, most likely: the long one is as good.
    }
  }

  /** Writes what is in force to the other file and goes on there. */
  #beginAnew(): void {
    const side = this.#spare;
    // Flushed, lest remains of its last life show up behind the new one.
    side.handle.truncate(0);
    side.handle.flush();
    side.sizeBytes = 0;
    side.flushedBytes = 0;
    side.generation = this.#active.generation + 1;
    const begin = new Uint8Array(12);
    const view = new DataView(begin.buffer);
    view.setUint32(0, VERSION);
    view.setFloat64(4, side.generation);
    const entries = [this.#encode(side, Kind.begin, '', begin)];
    for (const [name, place] of this.#places) {
      const kind = place.kind === 'stored' ? Kind.stored : Kind.inline;
      entries.push(this.#encode(side, kind, name, bodyOf(place)));
    }
    entries.push(this.#encode(side, Kind.complete, '', nothing));
    for (const entry of entries) {
      writeAll(side.handle, entry, side.sizeBytes);
      side.sizeBytes += entry.length;
    }
    side.handle.flush();
    side.flushedBytes = side.sizeBytes;
    this.#spare = this.#active;
    this.#active = side;
  }

  #encode(side: Side, kind: number, name: string, body: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(HEADER_BYTES + name.length + body.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC);
    view.setUint32(8, body.length);
    view.setUint16(12, kind);
    view.setUint16(14, name.length);
    view.setFloat64(16, side.flushedBytes);
    for (let i = 0; i < name.length; i++) bytes[HEADER_BYTES + i] = name.charCodeAt(i);
    bytes.set(body, HEADER_BYTES + name.length);
    view.setUint32(4, crc(this.#crcTable, bytes.subarray(CHECKED_FROM)));
    return bytes;
  }
}

interface ReadSide {
  readonly side: Side;
  readonly places: Map<string, Place>;
  readonly isComplete: boolean;
}

function readSide(handle: SyncHandle, table: Uint32Array, location: string): ReadSide {
  const bytes = readUpTo(handle, 0, sizeOf(handle));
  const side: Side = { handle, generation: 0, sizeBytes: 0, flushedBytes: 0 };
  const places = new Map<string, Place>();
  let isComplete = false;
  for (let entry = entryAt(bytes, 0, table); entry !== undefined;) {
    if (entry.kind === Kind.begin) side.generation = begun(entry, location);
    else if (entry.kind === Kind.complete) isComplete = true;
    else if (entry.kind === Kind.removed) places.delete(entry.name);
    else places.set(entry.name, placeOf(entry));
    side.sizeBytes = entry.end;
    entry = entryAt(bytes, entry.end, table);
  }
  for (let at = side.sizeBytes + 1; at + HEADER_BYTES <= bytes.length; at++) {
    const later = entryAt(bytes, at, table);
    if (later === undefined || later.flushedBytes <= side.sizeBytes) continue;
    throw damaged(location, `its catalog is damaged at byte ${side.sizeBytes}`);
  }
  return { side, places, isComplete };
}

const damaged = (location: string, what: string): VolumeError =>
  new VolumeError(
    'failed',
    `${location}: ${what}; nothing was changed. Clear this origin's storage, and copy from others what is missing`,
  );

function begun({ body }: Entry, location: string): number {
  const view = new DataView(body.buffer, body.byteOffset);
  if (view.getUint32(0) === VERSION) return view.getFloat64(4);
  throw new VolumeError(
    'failed',
    `${location} was written by a newer version of this program: load the page anew`,
  );
}

/** The intact entry at that place, if there is one. */
function entryAt(bytes: Uint8Array, at: number, table: Uint32Array): Entry | undefined {
  if (at + HEADER_BYTES > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  if (view.getUint32(0) !== MAGIC) return undefined;
  const nameEnd = at + HEADER_BYTES + view.getUint16(14);
  const end = nameEnd + view.getUint32(8);
  if (end > bytes.length) return undefined;
  if (view.getUint32(4) !== crc(table, bytes.subarray(at + CHECKED_FROM, end))) return undefined;
  return {
    kind: view.getUint16(12),
    flushedBytes: view.getFloat64(16),
    name: String.fromCharCode(...bytes.subarray(at + HEADER_BYTES, nameEnd)),
    body: bytes.slice(nameEnd, end),
    end,
  };
}

const nothing = new Uint8Array(0);

function bodyOf(place: Place): Uint8Array {
  if (place.kind === 'inline') return place.bytes;
  const body = new Uint8Array(8);
  new DataView(body.buffer).setFloat64(0, place.id);
  return body;
}

function placeOf({ kind, body }: Entry): Place {
  return kind === Kind.inline
    ? { kind: 'inline', bytes: body }
    : { kind: 'stored', id: new DataView(body.buffer, body.byteOffset).getFloat64(0) };
}

const entryBytes = (name: string, place: Place): number =>
  HEADER_BYTES + name.length + (place.kind === 'inline' ? place.bytes.length : 8);

/** CRC-32C, a byte at a time: entries are few and short. */
function crc(table: Uint32Array, bytes: Uint8Array): number {
  let value = ~0;
  for (const byte of bytes) value = table[(value ^ byte) & 0xff]! ^ (value >>> 8);
  return ~value >>> 0;
}

function crcTable(): Uint32Array {
  return new Uint32Array(256).map((_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    return value;
  });
}
