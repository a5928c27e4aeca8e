/**
 * What brokers tell a simulation of their inside. The interface stands in ports, where the packages that speak of it can see it;
 * the rules that are checked by it stand in checkers/observed.ts.
 */
export type { BrokerObserver, MutantName, Mutants, Probe, ReplicaFacts } from '@odradek/ports';
export { ObservedRules } from './checkers/observed.ts';
