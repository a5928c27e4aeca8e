import type { Command } from 'commander';
import { port } from '../arguments.ts';
import { withConnectOptions, withJsonOption } from '../connect-options.ts';
import type { ConnectOptions, PrintOptions } from '../connect-options.ts';
import type { Action } from '../program.ts';
import type { World } from '../world.ts';

export interface DoctorOptions extends ConnectOptions, PrintOptions {
  readonly dataDir?: string;
  readonly httpPort: number;
}

export function addDoctorCommand(program: Command, world: World, action: Action): void {
  withJsonOption(withConnectOptions(program.command('doctor')))
    .description('check this machine and the way to the broker, and say what to do')
    .option(
      '-d, --data-dir <folder>',
      "the broker's data folder (default: ODRADEK_DATA_DIR, or ./.odradek)",
    )
    .option('--http-port <n>', "port of the broker's HTTP and WebSocket", port, 9094)
    .action((options: DoctorOptions) =>
      action(async () => (await import('../doctor.ts')).doctor(world, options)),
    );
}
