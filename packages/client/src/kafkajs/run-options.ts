/** What one run of KafkaJS's consumer is given. */
import type { ConsumerOptions } from '../consumer/consumer-options.ts';
import type { Emitter } from './events.ts';
import type { KafkaJSHost } from './host.ts';
import type { Session } from './session.ts';
import type { ConsumerRunConfig, Logger } from './types.ts';

export interface RunOptions<B extends Uint8Array> {
  readonly host: KafkaJSHost<B>;
  readonly session: Session<B>;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly consumer: Omit<ConsumerOptions, 'onAssigned' | 'onRevoked' | 'onLost' | 'autoCommit'>;
  readonly handlers: ConsumerRunConfig<B>;
  readonly emitter: Emitter;
  readonly logger: Logger;
  readonly onCrash: (error: Error) => void;
}
