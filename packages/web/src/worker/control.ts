/**
 * What a page may ask of the worker that hosts its broker, over Comlink: rare words, no data. Data goes over ports of its own, as
 * raw transferred buffers. Failures come back as values, since an error that crosses to the page is no more than its text.
 */
import type { HostBrokerOptions, HostStatus, HostedBroker } from './host-broker.ts';

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

/** Of a worker that shares the broker with other tabs' workers. */
export interface TabControl {
  /** Is answered while the worker's event loop turns. */
  ping(): void;
  start(options: StartOptions): void;
  status(): Promise<TabStatus>;
  close(): Promise<void>;
}

export interface TabStatus {
  /** "leading", "waiting", and what else a candidate goes through. */
  readonly role: string;
  /** Why it leads no more, or could not begin to. */
  readonly failure?: Failure;
  /** While it leads. */
  readonly broker?: WorkerStatus;
}

export async function statusOf(host: HostedBroker): Promise<WorkerStatus> {
  const [{ usage, quota }, isPersisted] = await Promise.all([
    navigator.storage.estimate(),
    navigator.storage.persisted(),
  ]);
  return {
    ...host.status,
    epoch: host.epoch,
    isPersisted,
    ...(usage !== undefined && { usage }),
    ...(quota !== undefined && { quota }),
  };
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message } = error;
  const { kind } = error as { kind?: string };
  return kind === undefined ? { name, message } : { name, kind, message };
}
