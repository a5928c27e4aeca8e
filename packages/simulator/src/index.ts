export * from './checkers/history.ts';
export { FAULT_KINDS, type FaultKind } from './faults/faults.ts';
export { KNOWN_BUGS, type KnownBug } from './mutants.ts';
export * from './observer.ts';
export { formatFailure, formatLine } from './report.ts';
export {
  simulate,
  type ClusterShape,
  type PlannedAct,
  type SimulationOptions,
  type SimulationResult,
} from './simulation.ts';
export { Trace, type TraceLine } from './trace.ts';
