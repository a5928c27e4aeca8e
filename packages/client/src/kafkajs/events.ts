/** Instrumentation events: told to whoever listens, made only when somebody does. A listener that fails is logged and harms nobody. */
import type { Clock } from '@odradek/ports';
import { KafkaJSNonRetriableError } from './errors.ts';
import type { InstrumentationEvent, Logger } from './types.ts';

type Listener = (event: InstrumentationEvent<unknown>) => unknown;

export class Emitter {
  readonly #owner: string;
  readonly #names: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Map<string, Set<Listener>>();
  #nextId = 0;

  constructor(
    owner: string,
    events: Readonly<Record<string, string>>,
    clock: Clock,
    logger: Logger,
  ) {
    this.#owner = owner;
    this.#names = new Set(Object.values(events));
    this.#clock = clock;
    this.#logger = logger;
  }

  on(eventName: string, listener: (event: never) => unknown): () => void {
    if (!this.#names.has(eventName))
      throw new KafkaJSNonRetriableError(
        `Event name should be one of ${this.#owner}.events: ${[...this.#names].join(', ')}`,
      );
    const listeners = this.#listeners.get(eventName) ?? new Set();
    this.#listeners.set(eventName, listeners);
    // The same function may be added twice.
    const own: Listener = (event) => listener(event as never);
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  has(eventName: string): boolean {
    return (this.#listeners.get(eventName)?.size ?? 0) > 0;
  }

  emit(eventName: string, payload: unknown = null): void {
    for (const listener of [...(this.#listeners.get(eventName) ?? [])]) {
      const event = {
        id: String(this.#nextId++),
        type: eventName,
        timestamp: this.#clock.wallTimeMs(),
        payload,
      };
      const failed = (error: unknown): void =>
        this.#logger.error(
          `Failed to execute listener: ${error instanceof Error ? error.message : String(error)}`,
          { eventName },
        );
      try {
        const told = listener(event);
        if (told instanceof Promise) told.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}
