export * from './buffer-pool.ts';
export * from './checksum.ts';
export * from './clock.ts';
export * from './compression.ts';
export * from './logger.ts';
export * from './random.ts';
export * from './transport.ts';
export * from './volume.ts';
