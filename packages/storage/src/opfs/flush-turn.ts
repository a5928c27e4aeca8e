/**
 * Syncs are done together at the next turn of the event loop: `flush` is synchronous, so whatever else has arrived in this
 * worker by then is appended first and shares it. A turn begins by a message to itself, which stands in one line with those
 * that bring requests; a timer would wait for four milliseconds.
 */
import type { VolumeError } from '@odradek/ports';

export interface Flushable {
  flushNow(): void;
  /** What those are told whose sync has failed. */
  poison(error: unknown): VolumeError;
}

/** Appends are done when they return, so a caller may never give the event loop back: after so many a sync waits no longer. */
const APPENDS_MAX = 64;

interface Asked {
  readonly file: Flushable;
  resolve(): void;
  reject(error: VolumeError): void;
}

export class FlushTurn {
  readonly #flushEntries: () => void;
  readonly #channel = new MessageChannel();
  #asked: Asked[] = [];
  #isDue = false;
  #appends = 0;

  /** `flushEntries` brings down which files there are, before any of them is flushed. */
  constructor(flushEntries: () => void) {
    this.#flushEntries = flushEntries;
    this.#channel.port1.onmessage = () => {
      this.#isDue = false;
      this.runNow();
    };
  }

  ask(file: Flushable): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ file, resolve, reject });
      if (this.#isDue) return;
      this.#isDue = true;
      this.#channel.port2.postMessage(undefined);
    });
  }

  /** Something was appended. */
  appended(): void {
    if (this.#asked.length > 0 && ++this.#appends >= APPENDS_MAX) this.runNow();
  }

  runNow(): void {
    const asked = this.#asked;
    if (asked.length === 0) return;
    this.#asked = [];
    this.#appends = 0;
    const failures = new Map<Flushable, VolumeError>();
    for (const { file } of asked) {
      if (failures.has(file)) continue;
      try {
        this.#flushEntries();
        file.flushNow();
      } catch (error) {
        failures.set(file, file.poison(error));
      }
    }
    for (const { file, resolve, reject } of asked) {
      const failure = failures.get(file);
      if (failure === undefined) resolve();
      else reject(failure);
    }
  }

  /** Whoever waits is told so, and nobody may come. */
  end(error?: VolumeError): void {
    this.#channel.port1.close();
    for (const { reject } of this.#asked.splice(0)) if (error !== undefined) reject(error);
  }
}
