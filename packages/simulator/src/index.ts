export * from './checkers/history.ts';
export { FAULT_KINDS, type FaultKind } from './faults/faults.ts';
export { KNOWN_BUGS, type KnownBug } from './mutants.ts';
export * from './observer.ts';
export { formatFailure, formatLine } from './report.ts';
export { simulate } from './simulation.ts';
export type {
  ClusterShape,
  PlannedAct,
  SimulationOptions,
  SimulationResult,
} from './simulation-options.ts';
export { Trace, type TraceLine } from './trace.ts';
