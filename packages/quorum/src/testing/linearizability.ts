/**
 * Whether a history of operations on the tree could have come from a single copy. Each operation names its place in the
 * order of the log: a write the offset that it got, a read the offset up to which the tree was built that it saw. If that
 * order agrees with real time (who had ended before another began comes first), and everybody saw what the order says, the
 * history is linearizable, and the order is the proof.
 *
 * A write whose outcome was never known has no place; a read that sees its value gives it one.
 */
export type Observation =
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly value: string;
      readonly began: number;
      /** Undefined with `offset`: the outcome is not known. */
      readonly ended: number | undefined;
      readonly offset: number | undefined;
    }
  | {
      readonly kind: 'read';
      readonly path: string;
      /** Undefined: there is no node. */
      readonly value: string | undefined;
      /** Of the write that it saw; -1: of none. */
      readonly modifiedAt: number;
      readonly began: number;
      readonly ended: number;
      /** The first offset that was not in the tree. */
      readonly upTo: number;
    };

/** What is wrong, in words, or undefined. */
export function anomalyIn(history: readonly Observation[]): string | undefined {
  return outOfOrder(history) ?? contradiction(history);
}

/** The place behind which whatever begins later has to come. */
const placeAfter = (it: Observation): number | undefined =>
  it.kind === 'read' ? it.upTo : it.offset === undefined ? undefined : it.offset + 1;

const placeOf = (it: Observation): number | undefined => (it.kind === 'read' ? it.upTo : it.offset);

function outOfOrder(history: readonly Observation[]): string | undefined {
  const ended = history.filter((it) => it.ended !== undefined).sort((a, b) => a.ended! - b.ended!);
  const begun = [...history].sort((a, b) => a.began - b.began);
  let latest: Observation | undefined;
  let next = 0;
  for (const it of begun) {
    for (; next < ended.length && ended[next]!.ended! < it.began; next++) {
      const place = placeAfter(ended[next]!);
      if (place !== undefined && (latest === undefined || place > placeAfter(latest)!))
        latest = ended[next]!;
    }
    const place = placeOf(it);
    if (latest !== undefined && place !== undefined && place < placeAfter(latest)!)
      return `${told(it)} came after ${told(latest)} had ended, and does not know of it`;
  }
  return undefined;
}

function contradiction(history: readonly Observation[]): string | undefined {
  const writes = history.filter((it) => it.kind === 'write');
  const placed = new Map<number, string>();
  for (const { offset, value, path } of writes) {
    if (offset === undefined) continue;
    if (placed.has(offset)) return `two writes have offset ${offset}`;
    placed.set(offset, `${path}=${value}`);
  }
  const unknown = new Set(
    writes.filter((it) => it.offset === undefined).map((it) => `${it.path}=${it.value}`),
  );
  for (const read of history) {
    if (read.kind !== 'read') continue;
    const missed = writes.find(
      (it) =>
        it.path === read.path &&
        it.offset !== undefined &&
        it.offset > read.modifiedAt &&
        it.offset < read.upTo,
    );
    if (missed !== undefined) return `${told(read)} has passed over ${told(missed)}`;
    if (read.modifiedAt >= read.upTo) return `${told(read)} saw what was not yet there`;
    if (read.value === undefined) continue;
    const seen = `${read.path}=${read.value}`;
    if (
      placed.get(read.modifiedAt) !== seen &&
      !(unknown.has(seen) && !placed.has(read.modifiedAt))
    )
      return `${told(read)} saw what nobody wrote there`;
  }
  return undefined;
}

function told(it: Observation): string {
  if (it.kind === 'write') return `the write ${it.path}=${it.value} at offset ${it.offset}`;
  return `the read ${it.path}=${it.value} (of offset ${it.modifiedAt}, up to ${it.upTo})`;
}
