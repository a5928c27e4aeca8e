/** What a simulation is asked for, and what it tells. */
import type { MutantName } from '@odradek/ports';
import type { Counts, Violation } from './checkers/history.ts';
import type { FaultKind } from './faults/faults.ts';
import type { Trace, TraceLine } from './trace.ts';

export type ClusterShape = 'one' | 'each';

export interface SimulationOptions {
  readonly seed: number;
  /** Of the time of harm. */
  readonly seconds: number;
  /** 'mixed': three to seven, drawn from the seed. */
  readonly brokers: number | 'mixed';
  readonly shape: ClusterShape;
  readonly mutants?: readonly MutantName[];
  readonly faults?: readonly FaultKind[];
  /** Harm that is told instead of drawn, beside the faults. */
  readonly plan?: readonly PlannedAct[];
  /** How many times less the clients do than usual. */
  readonly calm?: number;
  /** Every line of the trace, at once. */
  readonly print?: (line: TraceLine) => void;
}

/** After the harm begins. */
export interface PlannedAct {
  readonly atMs: number;
  readonly node: number;
  readonly act: 'kill' | 'powerCut' | 'start';
}

export interface SimulationResult {
  readonly seed: number;
  readonly hash: string;
  readonly violation: Violation | undefined;
  readonly simulatedMs: number;
  readonly events: number;
  readonly counts: Counts;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly trace: Trace;
}
