/**
 * What a page may ask of the worker that hosts its broker, over Comlink: rare words, no data. Data goes over ports of its own, as
 * raw transferred buffers. Failures come back as values, since an error that crosses to the page is no more than its text.
 */
import type { HostBrokerOptions, HostStatus } from './host-broker.ts';

export interface StartOptions extends Omit<HostBrokerOptions, 'logger' | 'zstdWasm'> {
  readonly zstdWasm?: string;
}

export interface Failure {
  readonly name: string;
  /** Of a VolumeError: 'full', 'locked', 'failed', 'closed', 'invalid'. */
  readonly kind?: string;
  readonly message: string;
}

export interface WorkerStatus extends HostStatus {
  readonly epoch: number;
  readonly failure?: Failure;
  /** Bytes, as far as the browser tells. */
  readonly usage?: number;
  readonly quota?: number;
  /** Whether the browser has promised to keep the data. */
  readonly isPersisted: boolean;
}

export interface BrokerControl {
  start(options: StartOptions): Promise<Failure | undefined>;
  /** The port's other end is a client. */
  connect(port: MessagePort, remoteAddress: string): void;
  status(): Promise<WorkerStatus | undefined>;
  /** Resolves when the broker has ended, in order or not. */
  ended(): Promise<Failure | undefined>;
  stop(): Promise<Failure | undefined>;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message } = error;
  const { kind } = error as { kind?: string };
  return kind === undefined ? { name, message } : { name, kind, message };
}
