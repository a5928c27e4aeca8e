export * from './running-broker.ts';
