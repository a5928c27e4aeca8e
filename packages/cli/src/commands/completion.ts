import type { Command } from 'commander';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

const HELP = `
Topics and groups are completed by asking the broker (ODRADEK_BROKERS, -b), for half a second at most.

Examples:
  source <(odradek completion bash)                     in ~/.bashrc
  source <(odradek completion zsh)                      in ~/.zshrc, after compinit
  odradek completion fish | source                      in ~/.config/fish/config.fish
  odradek completion powershell | Out-String | iex      in $PROFILE
`;

export function addCompletionCommands(program: Command, world: World, action: Action): void {
  program
    .command('completion')
    .description("print a shell's completion script")
    .argument('<shell>', 'bash, zsh, fish or powershell')
    .addHelpText('after', HELP)
    .action((shell: string) =>
      action(async () => (await import('../completion.ts')).script(world, shell)),
    );
}
