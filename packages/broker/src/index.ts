export type * from './metrics/types.ts';
export * from './config/index.ts';
