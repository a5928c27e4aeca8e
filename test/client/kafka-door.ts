/** The way to a real Apache Kafka, over TCP. Its transactions are written by KafkaJS. */
import { createClientHost } from '@odradek/node';
import { Kafka as KafkaJs, logLevel } from 'kafkajs';
import type { ControlledBroker } from '../support/broker-control.ts';
import type { Kafka } from '../support/java.ts';
import { KafkaProcess } from '../support/kafka-process.ts';
import type { Door } from './suite/index.ts';

/** Few partitions of the internal topic: it is made, and loaded, sooner. */
const CONFIG = { 'offsets.topic.num.partitions': '4' };

export function kafkaDoor(kafka: Kafka): Door {
  const processes = new Map<string, KafkaProcess>();
  const processOf = ({ id }: ControlledBroker): KafkaProcess => processes.get(id)!;
  let bootstrap = '';
  return {
    name: `TCP, of Apache Kafka ${kafka.version}`,
    host: createClientHost,
    endpointOf: (broker) => broker.kafka,
    brokers: {
      async start(options = {}) {
        const started = await KafkaProcess.start(kafka, { ...CONFIG, ...options.config });
        const id = started.bootstrap;
        bootstrap = id;
        processes.set(id, started);
        const endpoint = { host: '127.0.0.1', port: started.port };
        return { id, kafka: endpoint, webSocket: { host: '127.0.0.1', port: 0 } };
      },
      stop: (broker) => processOf(broker).stop(),
      kill: (broker) => processOf(broker).kill(),
      restart: (broker) => processOf(broker).start(),
      async dispose(broker) {
        await processOf(broker).dispose();
        processes.delete(broker.id);
      },
      log: () => Promise.resolve(''),
    },
    broker: {
      product: 'kafka',
      async writeTransactions(topic, values) {
        const client = new KafkaJs({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
        const producer = client.producer({
          transactionalId: `writer of ${topic}`,
          idempotent: true,
          maxInFlightRequests: 1,
        });
        await producer.connect();
        for (const [value, isCommitted] of values) {
          const transaction = await producer.transaction();
          await transaction.send({ topic, messages: [{ value, partition: 0 }] });
          await (isCommitted ? transaction.commit() : transaction.abort());
        }
        await producer.disconnect();
      },
    },
  };
}
