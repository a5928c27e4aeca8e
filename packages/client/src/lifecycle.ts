/**
 * The machines of a page's first load: a table that says of each state what follows each event, and its holder. XState, which the machines
 * of consumer groups stand on, would be a third of all that producer and consumer weigh there (docs/architecture.md, "The client").
 *
 * A table is whole: it does not compile before each state has a word about each event, be it 'ignored'. It holds names alone; whoever owns
 * the holder provides what the names of effects stand for.
 */

export interface Machine<
  State extends string,
  Event extends string,
  Effect extends string = never,
  Tag extends string = never,
> {
  readonly id: string;
  readonly initial: State;
  readonly states: Readonly<Record<State, StateRow<State, Event, Effect, Tag>>>;
}

type StateRow<
  State extends string,
  Event extends string,
  Effect extends string,
  Tag extends string,
> = {
  /** What those outside may ask of the state. */
  readonly tags?: readonly Tag[];
  /** Run when the state is entered, also from itself. */
  readonly entry?: Effect;
  readonly exit?: Effect;
} & (
  | { readonly on: Readonly<Record<Event, State | 'ignored'>> }
  | { readonly type: 'final'; readonly on?: undefined }
);

export interface LifecycleSnapshot<State extends string, Context> {
  readonly value: State;
  readonly context: Context;
}

export class Lifecycle<
  State extends string,
  Event extends string,
  Effect extends string,
  Tag extends string,
  Context extends object,
> {
  readonly #machine: Machine<State, Event, Effect, Tag>;
  readonly #effects: Readonly<Record<Effect, () => void>>;
  readonly #listeners = new Set<() => void>();
  #snapshot: LifecycleSnapshot<State, Context>;

  constructor(
    machine: Machine<State, Event, Effect, Tag>,
    context: Context,
    effects: Readonly<Record<Effect, () => void>>,
  ) {
    this.#machine = machine;
    this.#effects = effects;
    this.#snapshot = { value: machine.initial, context };
  }

  readonly getSnapshot = (): LifecycleSnapshot<State, Context> => this.#snapshot;

  /** After each event that was not ignored. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  hasTag(tag: Tag): boolean {
    return this.#row.tags?.includes(tag) === true;
  }

  /** What the event tells of the context is taken with it, or ignored with it. */
  tell(event: Event, news: Partial<Context> = {}): void {
    const before = this.#row;
    const next = before.on?.[event] ?? 'ignored';
    if (next === 'ignored') return;
    const value = next as State;
    this.#snapshot = { value, context: { ...this.#snapshot.context, ...news } };
    for (const effect of [before.exit, this.#row.entry])
      if (effect !== undefined) this.#effects[effect]();
    for (const listener of this.#listeners) listener();
  }

  get #row(): StateRow<State, Event, Effect, Tag> {
    return this.#machine.states[this.#snapshot.value];
  }
}
