/** What the page with the built client does for its test. */
import type { Endpoint } from '@odradek/ports';

export interface Outcome {
  readonly read: readonly number[];
  /** Of the group's member, when everything is read. */
  readonly state: unknown;
}

export interface BundledApp {
  /** Sends three records to a new topic and reads them, in a group when it has a name. */
  sendAndRead(bootstrap: Endpoint, topic: string, group?: string): Promise<Outcome>;
}
