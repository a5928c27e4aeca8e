export * from './acknowledgements.ts';
export * from './assignment.ts';
export * from './high-watermark.ts';
export * from './partition-replica.machine.ts';
export * from './partition-replica.ts';
