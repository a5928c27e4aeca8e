/**
 * The shapes in which a network falls apart, as the directions that are cut. All others carry on.
 */
import type { Chance } from '../chance.ts';

export type PartitionShape =
  /** Two halves that do not hear each other. */
  | 'split'
  /** One machine alone. */
  | 'isolate'
  /** One machine is heard by the others, and hears nobody. */
  | 'deaf'
  /** One machine hears the others, and is not heard. */
  | 'mute'
  /** Two halves, and one machine that reaches both. */
  | 'bridge'
  /** Everyone reaches its neighbours only. */
  | 'ring'
  /** One pair does not hear each other. */
  | 'pair';

export const PARTITION_SHAPES: readonly PartitionShape[] = [
  'split',
  'isolate',
  'deaf',
  'mute',
  'bridge',
  'ring',
  'pair',
];

export type Direction = readonly [from: string, to: string];

export function directionsCut(
  shape: PartitionShape,
  machines: readonly string[],
  chance: Chance,
): readonly Direction[] {
  const order = chance.shuffled(machines);
  const [one, other] = order;
  if (one === undefined || other === undefined) return [];
  const rest = order.slice(1);
  const half = Math.ceil(order.length / 2);
  switch (shape) {
    case 'split':
      return bothWays(order.slice(0, half), order.slice(half));
    case 'isolate':
      return bothWays([one], rest);
    case 'deaf':
      return rest.map((from) => [from, one]);
    case 'mute':
      return rest.map((to) => [one, to]);
    case 'bridge':
      return bothWays(rest.slice(0, rest.length >> 1), rest.slice(rest.length >> 1));
    case 'ring':
      return order.flatMap((from, at) =>
        order
          .filter((_, to) => {
            const apart = Math.abs(at - to);
            return apart > 1 && apart < order.length - 1;
          })
          .map((to): Direction => [from, to]),
      );
    case 'pair':
      return bothWays([one], [other]);
  }
}

const bothWays = (some: readonly string[], others: readonly string[]): Direction[] =>
  some.flatMap((a) =>
    others.flatMap((b): Direction[] => [
      [a, b],
      [b, a],
    ]),
  );
