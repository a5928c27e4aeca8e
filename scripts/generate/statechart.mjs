import { GENERATED, code, table } from './markdown.mjs';

/** docs/machines/<id>.md: a machine's own root, walked into a Mermaid statechart and a table of what its states do. */
export function statechart(machine, source) {
  const { root } = machine;
  return `${GENERATED}

# ${root.key}

From \`${source}\`.

\`\`\`mermaid
stateDiagram-v2
${[...drawChildren(root, '  '), ...drawTransitions(root, '  ')].join('\n')}
\`\`\`

${table(['state', 'on entry', 'on exit', 'runs', 'tags'], [...statesOf(root)].filter(isWorthTelling).map(describe))}
`;
}

const idOf = (node) => node.path.join('_') || node.machine.root.key;

function* drawChildren(node, indent) {
  const children = Object.values(node.states);
  for (const [index, child] of children.entries()) {
    if (index > 0 && node.type === 'parallel') yield `${indent}--`;
    if (Object.keys(child.states).length === 0) {
      yield `${indent}state "${child.key}" as ${idOf(child)}`;
    } else {
      yield `${indent}state "${child.key}" as ${idOf(child)} {`;
      yield* drawChildren(child, `${indent}  `);
      yield `${indent}}`;
    }
    if (child.type === 'final') yield `${indent}${idOf(child)} --> [*]`;
  }
  const initial = node.type === 'parallel' ? [] : (node.initial?.target ?? []);
  for (const target of initial) yield `${indent}[*] --> ${idOf(target)}`;
}

/** Transitions of the machine as a whole have no box to start from: the table tells them. */
function* drawTransitions(root, indent) {
  for (const node of statesOf(root)) {
    if (node === root) continue;
    for (const transition of transitionsOf(node)) {
      for (const target of transition.target ?? [node])
        yield `${indent}${idOf(node)} --> ${idOf(target)}: ${labelOf(transition)}`;
    }
  }
}

const transitionsOf = (node) => [
  ...new Set([
    ...[...node.transitions.values()].flat(),
    ...(node.always ?? []),
    ...(node.after ?? []),
  ]),
];

function* statesOf(node) {
  yield node;
  for (const child of Object.values(node.states)) yield* statesOf(child);
}

function labelOf({ eventType, guard, actions, target }) {
  const parts = [eventName(eventType)];
  if (guard !== undefined) parts.push(`[${guardName(guard)}]`);
  // Inside the state: nothing is left or entered.
  if (target === undefined && actions.length > 0) parts.push(`/ ${actions.map(nameOf).join(', ')}`);
  return parts.join(' ');
}

/** XState's own events, in words. */
function eventName(type) {
  if (type === '') return 'always';
  const after = /^xstate\.after\.([^.]+)\./.exec(type);
  if (after !== null) return `after ${after[1]}`;
  if (type.startsWith('xstate.done.actor.')) return 'done';
  if (type.startsWith('xstate.error.actor.')) return 'failed';
  if (type.startsWith('xstate.done.state.')) return 'all done';
  return type;
}

/** Without the timers of `after`, which are drawn as arrows. */
const namesOf = (actions) =>
  actions
    .map(nameOf)
    .filter((name) => name !== 'xstate.raise' && name !== 'xstate.cancel')
    .join(', ');

const nameOf = (thing) =>
  typeof thing === 'string' ? thing : (thing.type ?? thing.name ?? 'inline');

function guardName(guard) {
  if (typeof guard === 'function' && Array.isArray(guard.guards))
    return `${guard.check?.name ?? 'of'}(${guard.guards.map(guardName).join(', ')})`;
  return nameOf(guard);
}

const isWorthTelling = (node) =>
  namesOf([...node.entry, ...node.exit]) !== '' ||
  node.invoke.length + node.tags.length > 0 ||
  isMachineWide(node);
const isMachineWide = (node) => node.parent === undefined && node.transitions.size > 0;

function describe(node) {
  const isRoot = node.parent === undefined;
  const inAnyState = isRoot
    ? [
        ...new Set(
          transitionsOf(node).map(
            (transition) =>
              `${labelOf(transition)}${(transition.target ?? []).map((target) => ` → ${target.key}`).join('')}`,
          ),
        ),
      ]
    : [];
  return [
    isRoot
      ? `any state${inAnyState.length > 0 ? `: ${inAnyState.join('; ')}` : ''}`
      : code(node.path.join('.')),
    namesOf(node.entry),
    namesOf(node.exit),
    node.invoke.map(({ src }) => nameOf(src)).join(', '),
    [...node.tags].join(', '),
  ];
}
