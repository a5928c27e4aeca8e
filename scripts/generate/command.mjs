import { GENERATED } from './markdown.mjs';

const HELP_WIDTH = 120;

/** docs/command.md: what `odradek --help` and each command's --help say. */
export function command({ createProgram }) {
  const printed = [];
  const program = createProgram({
    world: { environment: {}, version: 'VERSION' },
    action: () => {},
    output: {
      writeOut: (text) => printed.push(text),
      writeErr: (text) => printed.push(text),
      getOutHelpWidth: () => HELP_WIDTH,
      getOutHasColors: () => false,
    },
  });
  const helpOf = (it) => {
    printed.length = 0;
    it.outputHelp();
    return printed.join('').trimEnd();
  };
  const sections = [...commandsBelow(program)]
    .map(
      ({ names, it }) =>
        `${'#'.repeat(names.length + 1)} odradek ${names.join(' ')}\n\n\`\`\`text\n${helpOf(it)}\n\`\`\``,
    )
    .join('\n\n');
  return `${GENERATED}

# The command

What \`odradek --help\` and \`odradek COMMAND --help\` print.

\`\`\`text
${helpOf(program)}
\`\`\`

${sections}
`;
}

function* commandsBelow(parent, above = []) {
  for (const it of parent.commands) {
    const names = [...above, it.name()];
    yield { names, it };
    yield* commandsBelow(it, names);
  }
}
