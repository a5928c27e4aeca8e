/** The same suite with a real Apache Kafka behind the door, where Java and its jars are to be had. */
import { expect, it, vi } from 'vitest';
import { findKafka, kafkaVersion } from '../support/java.ts';
import { kafkaDoor } from './kafka-door.ts';
import { clientSuite } from './suite/index.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

it('is held to one version of Apache Kafka', () => {
  expect(kafkaVersion()).toMatch(/^4\.\d+\.\d+$/);
});

const kafka = await findKafka();
if (kafka !== undefined) clientSuite(kafkaDoor(kafka));
