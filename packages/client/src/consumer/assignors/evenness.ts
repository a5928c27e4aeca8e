/**
 * Makes an assignment as even as the members' wishes allow and, among those that are so even, one that moves the least from its owners.
 *
 * Even is: the sum of the squares of the loads is the smallest there is. Single moves from the loaded to the less loaded do most of it, and all
 * where everybody wants the same. Otherwise chains may be needed, since the one who has too much may have nothing that the one with too little
 * wants. A chain is a cycle in a graph of the members: an edge for each partition that could go from one to the other, and one back from where
 * the chain ends to where it began, for what that does to the loads. An assignment is the best there is when no cycle has a negative cost
 * (Klein 1967); each that is found makes it better by a whole number, so there is an end.
 */
import { keyOf } from '../topic-partition.ts';
import type { TopicPartition } from '../topic-partition.ts';
import type { Assignment } from './assignor.ts';

export interface Wishes {
  /** Members by topic, in their order. */
  readonly wantedBy: ReadonlyMap<string, readonly string[]>;
  /** Who had it, and still wants it, by partition's key. */
  readonly owners: ReadonlyMap<string, string>;
}

/** What is left uneven in a larger group is left: the search takes the cube of the members' number. */
const CHAIN_MEMBERS_MAX = 200;

export function evenOut(assignment: Assignment, wishes: Wishes): void {
  const load = (member: string): number => assignment.get(member)!.length;
  const members = [...assignment.keys()];
  const moveOne = (from: string): boolean => moveToLeastLoaded(from, assignment, wishes);
  while (members.sort((a, b) => load(b) - load(a)).some(moveOne));
  const wantTheSame = [...wishes.wantedBy.values()].every(
    ({ length }) => length === 0 || length === members.length,
  );
  if (wantTheSame || members.length > CHAIN_MEMBERS_MAX) return;
  const order = [...assignment.keys()];
  for (
    let cycle = findCycle(order, assignment, wishes);
    cycle !== undefined;
    cycle = findCycle(order, assignment, wishes)
  )
    for (const { from, to, topic } of cycle) move(from, to, topic, assignment, wishes);
}

function moveToLeastLoaded(from: string, assignment: Assignment, wishes: Wishes): boolean {
  const load = (member: string): number => assignment.get(member)!.length;
  let best: { readonly to: string; readonly topic: string } | undefined;
  for (const topic of new Set(assignment.get(from)!.map((each) => each.topic))) {
    for (const to of wishes.wantedBy.get(topic)!)
      if (load(to) + 1 < load(from) && (best === undefined || load(to) < load(best.to)))
        best = { to, topic };
  }
  if (best === undefined) return false;
  move(from, best.to, best.topic, assignment, wishes);
  return true;
}

/** The receiver's own rather than what nobody had, and that rather than the giver's own. */
function move(
  from: string,
  to: string,
  topic: string,
  assignment: Assignment,
  { owners }: Wishes,
): void {
  const mine = assignment.get(from)!;
  const cost = (partition: TopicPartition): number =>
    costOf(owners.get(keyOf(partition)), from, to);
  let best = -1;
  for (const [index, each] of mine.entries())
    if (each.topic === topic && (best < 0 || cost(each) <= cost(mine[best]!))) best = index;
  assignment.get(to)!.push(...mine.splice(best, 1));
}

/** How many more are away from their owner. */
const costOf = (owner: string | undefined, from: string, to: string): number =>
  owner === to ? -1 : owner === from ? 1 : 0;

interface Move {
  readonly from: string;
  readonly to: string;
  readonly topic: string;
}

/** By Bellman and Ford, from everywhere at once: a cycle among the predecessors has a negative cost. */
function findCycle(
  order: readonly string[],
  assignment: Assignment,
  wishes: Wishes,
): readonly Move[] | undefined {
  const size = order.length;
  const { costs, topics } = edgesOf(order, assignment, wishes);
  const distances = new Array<number>(size).fill(0);
  const before = new Array<number>(size).fill(-1);
  for (let isChanged = true; isChanged;) {
    isChanged = false;
    for (let from = 0; from < size; from += 1) {
      for (let to = 0; to < size; to += 1) {
        const distance = distances[from]! + costs[from * size + to]!;
        if (distance >= distances[to]!) continue;
        distances[to] = distance;
        before[to] = from;
        isChanged = true;
      }
    }
    const found = cycleIn(before);
    if (found === undefined) continue;
    // Last move first would do as well: each member gives one that it had before. The edges that only close a chain move nothing.
    return found.flatMap((to) => {
      const from = before[to]!;
      const topic = topics[from * size + to];
      return topic === undefined ? [] : [{ from: order[from]!, to: order[to]!, topic }];
    });
  }
  return undefined;
}

/** From each to each, row by row: the cheapest way, and the topic of what goes; none for what closes a chain. */
function edgesOf(
  order: readonly string[],
  assignment: Assignment,
  { wantedBy, owners }: Wishes,
): { readonly costs: readonly number[]; readonly topics: readonly (string | undefined)[] } {
  const size = order.length;
  // A chain disturbs fewer owners than there are members: whatever is evener is better.
  const unevenness = 2 * size;
  const index = new Map(order.map((member, at) => [member, at]));
  const loads = order.map((member) => assignment.get(member)!.length);
  const costs = loads.flatMap((end) => loads.map((start) => (end + 1 - start) * unevenness));
  const topics = new Array<string | undefined>(size * size);
  for (const [from, member] of order.entries()) {
    costs[from * size + from] = Number.POSITIVE_INFINITY;
    const offer = (to: number, topic: string, cost: number): void => {
      const at = from * size + to;
      if (to === from || cost >= costs[at]!) return;
      costs[at] = cost;
      topics[at] = topic;
    };
    const toAll = new Map<string, number>();
    for (const each of assignment.get(member)!) {
      const owner = owners.get(keyOf(each));
      const cost = owner === member ? 1 : 0;
      toAll.set(each.topic, Math.min(cost, toAll.get(each.topic) ?? 1));
      if (owner !== undefined && owner !== member) offer(index.get(owner)!, each.topic, -1);
    }
    for (const [topic, cost] of toAll)
      for (const to of wantedBy.get(topic)!) offer(index.get(to)!, topic, cost);
  }
  return { costs, topics };
}

function cycleIn(before: readonly number[]): readonly number[] | undefined {
  const seenFrom = new Array<number>(before.length).fill(-1);
  for (const start of before.keys()) {
    let at = start;
    while (at >= 0 && seenFrom[at] === -1) {
      seenFrom[at] = start;
      at = before[at]!;
    }
    if (at < 0 || seenFrom[at] !== start) continue;
    const cycle = [at];
    for (let next = before[at]!; next !== at; next = before[next]!) cycle.push(next);
    return cycle;
  }
  return undefined;
}
