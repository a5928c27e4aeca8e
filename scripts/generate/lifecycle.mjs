/**
 * A machine that is a table (packages/client/src/lifecycle.ts) in the shape that `statechart` walks. What holds in every state that has not
 * ended is told once, of the machine as a whole.
 */
export function machineOf({ id, initial, states }) {
  const root = nodeOf(id, {}, []);
  const rows = Object.entries(states);
  const nodes = new Map(rows.map(([name, row]) => [name, nodeOf(name, row, [name], root)]));
  root.machine = { root };
  root.states = Object.fromEntries(nodes);
  root.initial = { target: [nodes.get(initial)] };

  const open = rows.filter(([, { on }]) => on !== undefined);
  const holdsEverywhere = (event, target) => open.every(([, { on }]) => on[event] === target);
  for (const [name, { on }] of open) {
    for (const [event, target] of Object.entries(on)) {
      if (target === 'ignored') continue;
      const from = holdsEverywhere(event, target) ? root : nodes.get(name);
      from.transitions.set(event, [{ eventType: event, target: [nodes.get(target)], actions: [] }]);
    }
  }
  return { root };
}

const nodeOf = (key, { type = 'atomic', entry, exit, tags = [] }, path, parent) => ({
  key,
  type,
  path,
  parent,
  states: {},
  transitions: new Map(),
  entry: named(entry),
  exit: named(exit),
  invoke: [],
  tags,
});

const named = (effect) => (effect === undefined ? [] : [effect]);
