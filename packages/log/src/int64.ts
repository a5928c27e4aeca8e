/** 64-bit integers as numbers, exact within ±2^53: every offset, id and time that this package meets. */
const TWO_TO_32 = 4294967296;

export function readInt64(view: DataView, at: number): number {
  return view.getInt32(at) * TWO_TO_32 + view.getUint32(at + 4);
}

export function writeInt64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / TWO_TO_32);
  view.setInt32(at, high);
  view.setUint32(at + 4, value - high * TWO_TO_32);
}
