/**
 * The door of KafkaJS's face. A host binds it: `class Kafka extends KafkaFace<Buffer>`. Options that this client cannot honour are refused by
 * name here, rather than passed over.
 */
import { createAdmin } from './admin.ts';
import { logLevel } from './constants.ts';
import { createConsumer } from './consumer.ts';
import { KafkaJSNonRetriableError, KafkaJSNotImplemented } from './errors.ts';
import type { KafkaJSHost } from './host.ts';
import { createLogger, silently } from './logger.ts';
import { createProducer } from './producer.ts';
import { planRetries } from './retry-plan.ts';
import type {
  Admin,
  AdminConfig,
  Consumer,
  ConsumerConfig,
  KafkaConfig,
  Logger,
  Producer,
  ProducerConfig,
} from './types.ts';

export class KafkaFace<B extends Uint8Array> {
  readonly #host: KafkaJSHost<B>;
  readonly #config: KafkaConfig;
  readonly #logger: Logger;

  constructor(host: KafkaJSHost<B>, config: KafkaConfig) {
    check(config);
    this.#host = host;
    this.#config = config;
    const asked = config.logLevel !== undefined ? () => host.log : silently;
    this.#logger = createLogger({
      level: config.logLevel ?? logLevel.INFO,
      creator: config.logCreator ?? asked,
      timestamp: host.timestamp,
    });
  }

  producer(options: ProducerConfig = {}): Producer {
    const { retry } = options;
    const forever = options.idempotent === true ? { retries: Number.MAX_SAFE_INTEGER } : undefined;
    const plan = planRetries(this.#config.retry, retry ?? forever);
    return createProducer(this.#host, this.#config, options, plan, this.#logger);
  }

  consumer(options: ConsumerConfig): Consumer<B> {
    const plan = planRetries(this.#config.retry, options.retry);
    return createConsumer(this.#host, this.#config, options, plan, this.#logger);
  }

  admin({ retry }: AdminConfig = {}): Admin<B> {
    const plan = planRetries(this.#config.retry, retry);
    return createAdmin(this.#host, this.#config, plan, this.#logger);
  }

  logger(): Logger {
    return this.#logger;
  }
}

function check({ brokers, ssl, sasl, socketFactory }: KafkaConfig): void {
  if (typeof brokers !== 'function' && (!Array.isArray(brokers) || brokers.length === 0))
    throw new KafkaJSNonRetriableError(
      'Failed to connect: expected brokers array, or a function that gives one, and got nothing',
    );
  if (ssl !== undefined && ssl !== null && ssl !== false)
    throw new KafkaJSNotImplemented(
      '`ssl` is not offered here: connect over a wss:// address, or leave it to a proxy in front of the brokers',
    );
  if (sasl !== undefined && sasl !== null)
    throw new KafkaJSNotImplemented('`sasl` is not offered here: this client does not log in');
  if (socketFactory !== undefined && socketFactory !== null)
    throw new KafkaJSNotImplemented(
      '`socketFactory` is not taken here: this client dials by the host that it was made with (KafkaJS itself takes webSocketSocketFactory)',
    );
}
