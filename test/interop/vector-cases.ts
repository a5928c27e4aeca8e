/**
 * The cases that Apache Kafka's classes and ours are both asked: keys to hash, and lives of groups. A life is a row of rounds; who stays tells
 * what an earlier round gave it. A few tell what they had long ago, or claim what is another's.
 */

export interface KeyCase {
  readonly key: string;
  readonly partitions: number;
}

export interface LifeCase {
  readonly life: number;
  readonly rounds: readonly {
    readonly topics: Readonly<Record<string, number>>;
    readonly members: readonly {
      readonly id: string;
      readonly instance?: string;
      readonly topics: readonly string[];
      /** The round whose assignment it tells; -1: it is new. */
      readonly remembers: number;
      /** Whose: its own, unless it is mistaken. */
      readonly claimsOf: string;
    }[];
  }[];
}

const KEYS = 300;
const LIVES = 40;
const ROUNDS_MAX = 4;

/** Numbers below `bound`, the same in every run (Numerical Recipes' generator; its high bits). */
const numbers = (seed: number) => {
  let state = seed >>> 0;
  return (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
};

export function keyCases(): readonly KeyCase[] {
  const below = numbers(1);
  return Array.from({ length: KEYS }, (_, length) => ({
    // Every length up to 63 several times, since the rest of a division by four is hashed in its own way.
    key: Buffer.from(Array.from({ length: length % 64 }, () => below(256))).toString('hex'),
    partitions: 1 + below(100),
  }));
}

export function lifeCases(): readonly LifeCase[] {
  return Array.from({ length: LIVES }, (_, life) => lifeOf(life, numbers(1000 + life)));
}

function lifeOf(life: number, below: (bound: number) => number): LifeCase {
  const names = Array.from({ length: 1 + below(4) }, (_, index) => `t${index}`);
  const sizes = names.map(() => 1 + below(12));
  const people = Array.from({ length: 2 + below(7) }, (_, index) => ({
    // Java's members begin with the client's id and end with a UUID: not in the order in which they come.
    id: `${below(2 ** 24).toString(16)}-${index}`,
    isStatic: below(5) === 0,
    wants: 1 + below(2 ** names.length - 1),
  }));
  const wantTheSame = below(2) === 0;
  const lastSeen = new Map<string, number>();
  const rounds = Array.from({ length: 1 + below(ROUNDS_MAX) }, (_, round) => {
    if (round > 0 && below(4) === 0) sizes[below(sizes.length)]! += 1 + below(4);
    const present = people.filter(() => below(4) > 0);
    if (present.length === 0) present.push(people[0]!);
    const members = present.map(({ id, isStatic, wants }, index) => {
      const isMistaken = round > 0 && below(25) === 0;
      const claimsOf = isMistaken ? present[(index + 1) % present.length]!.id : id;
      const topics = names.filter((_name, at) => wantTheSame || (wants >> at) & 1);
      return {
        id,
        ...(isStatic && { instance: `static-${id}` }),
        topics,
        remembers: lastSeen.get(claimsOf) ?? -1,
        claimsOf,
      };
    });
    // Only now: a member that is mistaken claims what another had before this round.
    for (const { id } of present) lastSeen.set(id, round);
    // A group's leader knows the topics that somebody wants.
    const wanted = names.flatMap((name, at) =>
      members.some(({ topics }) => topics.includes(name)) ? [[name, sizes[at]!] as const] : [],
    );
    return { topics: Object.fromEntries(wanted), members };
  });
  return { life, rounds };
}
