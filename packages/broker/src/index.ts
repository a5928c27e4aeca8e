export type * from './metrics/types.ts';
