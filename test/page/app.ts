/** What the application in the page offers to the test outside. */
import type { CompressionName, Endpoint } from '@odradek/ports';

export interface App {
  /** Sends one record to a new topic and reads it back as a member of a group. A failure comes back as plain data. */
  sendAndRead(
    bootstrap: Endpoint,
    topic: string,
    value: unknown,
    compression?: CompressionName,
  ): Promise<unknown>;
  /** Reads a new topic from now on, into `seen`. */
  follow(bootstrap: Endpoint, topic: string): Promise<void>;
  send(topic: string, value: unknown): Promise<void>;
  seen(): readonly unknown[];
}
