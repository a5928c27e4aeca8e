/**
 * XState's `setup`, of which this client uses `createMachine`: what XState's own brings along for others (makers of actions and actors that no
 * machine here has) is more than a kilobyte that each page would load.
 */
import { StateMachine } from 'xstate';
import type { createMachine, setup as xstateSetup } from 'xstate';

type Config = ConstructorParameters<typeof StateMachine>[0];
type Vocabulary = Parameters<typeof createMachine>[1];

export const setup = ((vocabulary: Vocabulary) => ({
  createMachine: (config: Config) => new StateMachine(config, vocabulary as never),
})) as unknown as typeof xstateSetup;
