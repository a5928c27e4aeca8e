/**
 * What consumer groups are made of, for those who compare it or build on it; consumers name an assignor, and have all this by themselves.
 * Apart from index.ts, since bundlers that split a program load what an index names with whatever else the index is asked for.
 */
export { rangeAssignor } from './consumer/assignors/range.ts';
export { roundRobinAssignor } from './consumer/assignors/round-robin.ts';
export { cooperativeStickyAssignor, stickyAssignor } from './consumer/assignors/sticky.ts';
export { GroupCoordinator } from './consumer/group-coordinator.ts';
