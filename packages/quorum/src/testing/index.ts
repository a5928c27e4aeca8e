/** For tests and simulations alone: known bugs to switch on, and a judge of what was observed. */
import type { QuorumMutant } from '../member/mutants.ts';
import type { QuorumMemberOptions } from '../member/quorum-member.types.ts';

export { QUORUM_MUTANTS, type QuorumMutant } from '../member/mutants.ts';
export { anomalyIn, type Observation } from './linearizability.ts';

/** The options of a member that has these bugs. */
export function withMutants(
  options: QuorumMemberOptions,
  mutants: Iterable<QuorumMutant>,
): QuorumMemberOptions {
  const names = new Set<string>([...mutants].map((it) => `quorum.${it}`));
  return { ...options, probe: { ...options.probe, mutants: { has: (name) => names.has(name) } } };
}
