/**
 * What a machine does about each event in each of its states, as a table: the state that follows, or 'stays' when only actions are run. What is not in
 * the table is ignored. Tests compare the whole of it, so that no state can be added and no event forgotten without a word about both.
 */
import { transition } from 'xstate';
import type {
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyStateNode,
  EventObject,
  StateValue,
} from 'xstate';

/** An event by itself, with what the context holds then; or what the state's own invocation or timer comes to. */
export type Happening =
  | { readonly event: EventObject; readonly context?: object }
  | { readonly done: unknown }
  | { readonly rejected: unknown }
  | 'its time is over';

export type Outcomes = Readonly<Record<string, Readonly<Record<string, string>>>>;

export function outcomesOf(
  machine: AnyStateMachine,
  context: object,
  happenings: Readonly<Record<string, Happening>>,
): Outcomes {
  const table: Record<string, Record<string, string>> = {};
  for (const node of leavesOf(machine.root)) {
    const row: Record<string, string> = {};
    for (const [name, happening] of Object.entries(happenings)) {
      const event = eventFor(node, happening);
      if (event === undefined) continue;
      const changed =
        typeof happening === 'object' && 'event' in happening ? happening.context : undefined;
      const before = machine.resolveState({
        value: valueOf(node.path),
        context: { ...context, ...changed },
      }) as AnyMachineSnapshot;
      const outcome = outcomeOf(machine, before, event);
      if (outcome !== undefined) row[name] = outcome;
    }
    table[node.path.join('.')] = row;
  }
  return table;
}

/** Undefined where the event cannot happen. */
function eventFor(node: AnyStateNode, happening: Happening): EventObject | undefined {
  if (happening === 'its time is over') {
    const [timer] = node.after;
    return timer === undefined ? undefined : { type: timer.eventType };
  }
  if ('event' in happening) return happening.event;
  const [invoked] = node.invoke;
  if (invoked === undefined) return undefined;
  const { id: actorId } = invoked;
  const event =
    'done' in happening
      ? { type: `xstate.done.actor.${actorId}`, output: happening.done, actorId }
      : { type: `xstate.error.actor.${actorId}`, error: happening.rejected, actorId };
  return event;
}

/** Undefined when nothing happens. */
function outcomeOf(
  machine: AnyStateMachine,
  before: AnyMachineSnapshot,
  event: EventObject,
): string | undefined {
  if (before.status !== 'active') return undefined;
  const [after, actions] = transition(machine, before, event as never);
  const next = after as AnyMachineSnapshot;
  const name = textOf(next.value as StateValue);
  if (name !== textOf(before.value as StateValue)) return name;
  return actions.length > 0 || next.context !== before.context ? 'stays' : undefined;
}

const leavesOf = (node: AnyStateNode): readonly AnyStateNode[] => {
  const inner = Object.values(node.states) as AnyStateNode[];
  return inner.length === 0 ? [node] : inner.flatMap(leavesOf);
};

const valueOf = ([first, ...rest]: readonly string[]): StateValue =>
  rest.length === 0 ? first! : { [first!]: valueOf(rest) };

const textOf = (value: StateValue): string => {
  if (typeof value === 'string') return value;
  const [[key, inner]] = Object.entries(value) as [[string, StateValue]];
  return `${key}.${textOf(inner)}`;
};
