/**
 * Numbers of different kinds are different types: an addition of an offset and a position does not compile. The functions
 * assert nothing; they mark the one place where a plain number becomes one of these.
 */
type Brand<Name extends string> = number & { readonly __brand: Name };

/** Place of a record in a partition, counted in records since its creation. */
export type Offset = Brand<'Offset'>;
/** Place of a byte in a file. */
export type Position = Brand<'Position'>;
/** Counts the leaders that a partition (or the quorum) has had. */
export type LeaderEpoch = Brand<'LeaderEpoch'>;
export type NodeId = Brand<'NodeId'>;
export type ProducerId = Brand<'ProducerId'>;
/** int16; raised to fence older instances of the producer. */
export type ProducerEpoch = Brand<'ProducerEpoch'>;

export const offset = (value: number): Offset => value as Offset;
export const position = (value: number): Position => value as Position;
export const leaderEpoch = (value: number): LeaderEpoch => value as LeaderEpoch;
export const nodeId = (value: number): NodeId => value as NodeId;
export const producerId = (value: number): ProducerId => value as ProducerId;
export const producerEpoch = (value: number): ProducerEpoch => value as ProducerEpoch;

export const NO_LEADER_EPOCH: LeaderEpoch = leaderEpoch(-1);
export const NO_PRODUCER_ID: ProducerId = producerId(-1);

/** 16 bytes as 32 lower-case hex digits: the form in which topic ids, directory ids and incarnations are held. On the wire 16 bytes; in files and for people `uuidToBase64`. */
export type Uuid = string & { readonly __brand: 'Uuid' };
export const ZERO_UUID = '00000000000000000000000000000000' as Uuid;
