export { BrokerFailure, type BrokerOptions } from './broker-options.ts';
export * from './broker.ts';
export * from './config/index.ts';
export { handlers } from './handlers/index.ts';
export type { Handler } from './handlers/handler.ts';
export { IdentityError } from './identity-file.ts';
export type { ListenerAddress as AdvertisedListener } from './metadata/nodes.ts';
export { LATENCY_BUCKETS_MS } from './metrics/request-metrics.ts';
export type * from './metrics/types.ts';
