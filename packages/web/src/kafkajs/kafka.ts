/** KafkaJS's face in a page or a worker: the module that takes the place of `kafkajs` in an application's imports there. It dials WebSocket. */
import { KafkaFace, PortableBuffer, assignerProtocolFor } from '@odradek/client/kafkajs';
import type { KafkaConfig } from '@odradek/client/kafkajs';
import { createBrowserClientHost } from '../client-host.ts';
import type { BrowserClientHostOptions } from '../client-host.ts';

export * from '@odradek/client/kafkajs';

/** Messages are Uint8Arrays with Buffer's `toString`. */
export class Kafka extends KafkaFace<PortableBuffer> {
  constructor(config: KafkaConfig, options: BrowserClientHostOptions = {}) {
    super(
      {
        ...createBrowserClientHost(options),
        toBuffer: PortableBuffer.view,
        timestamp: () => new Date().toISOString(),
        // A page's console is its own: a logCreator writes there.
        log: () => {},
      },
      config,
    );
  }
}

export const AssignerProtocol = assignerProtocolFor(PortableBuffer.view);
