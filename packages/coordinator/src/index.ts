export { defaultGroupConfig, defaultGroupLimits, NEW_MEMBER_JOIN_TIMEOUT_MS } from './config.ts';
export type { GroupConfig, GroupLimits } from './config.ts';
export { CoordinatorLoadError, GroupCoordinator } from './group-coordinator.ts';
export { groupMachine } from './group.machine.ts';
export type { GroupEvent, GroupPhase } from './group.machine.ts';
export type { CoordinatorHost } from './host.ts';
export type { RequestContext } from './messages.ts';
export { partitionFor } from './partition-for.ts';
export { decodeRecord, encodeRecord } from './records/records.ts';
export type {
  CommittedOffset,
  CoordinatorRecord,
  GroupMetadata,
  RecordBytes,
  UnknownRecord,
} from './records/records.ts';
