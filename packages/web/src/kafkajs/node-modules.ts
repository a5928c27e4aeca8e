/**
 * The parts of Node's own modules that KafkaJS 2.2.4 requires, in one file that a bundle takes in place of each: `events`, `util`, `assert`, `zlib`,
 * `crypto`, and `net` and `tls`, which it asks for only when no socketFactory is given.
 */
import { PageBuffer } from './buffer.ts';

type Listener = (...values: unknown[]) => void;

export class EventEmitter {
  readonly #listeners = new Map<string | symbol, Listener[]>();

  on(event: string | symbol, listener: Listener): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    return this;
  }

  addListener(event: string | symbol, listener: Listener): this {
    return this.on(event, listener);
  }

  once(event: string | symbol, listener: Listener): this {
    const once: Listener = (...values) => {
      this.off(event, once);
      listener.apply(this, values);
    };
    return this.on(event, once);
  }

  off(event: string | symbol, listener: Listener): this {
    const listeners = this.#listeners.get(event) ?? [];
    const at = listeners.lastIndexOf(listener);
    if (at >= 0) this.#listeners.set(event, listeners.toSpliced(at, 1));
    return this;
  }

  removeListener(event: string | symbol, listener: Listener): this {
    return this.off(event, listener);
  }

  removeAllListeners(event?: string | symbol): this {
    if (event === undefined) this.#listeners.clear();
    else this.#listeners.delete(event);
    return this;
  }

  listenerCount(event: string | symbol): number {
    return this.#listeners.get(event)?.length ?? 0;
  }

  emit(event: string | symbol, ...values: unknown[]): boolean {
    const listeners = this.#listeners.get(event) ?? [];
    for (const listener of listeners) listener.apply(this, values);
    return listeners.length > 0;
  }
}

type Callback = (error: unknown, value?: unknown) => void;

export const promisify =
  (work: (...values: unknown[]) => void) =>
  (...values: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const settle: Callback = (error, value) => (error == null ? resolve(value) : reject(error));
      work(...values, settle);
    });

/** `%s` and its like, in order. */
export function format(text: string, ...values: unknown[]): string {
  return text.replace(/%[sdj]/g, () => String(values.shift()));
}

export function gzip(bytes: Uint8Array, settle: Callback): void {
  through(new CompressionStream('gzip'), bytes, settle);
}

export function unzip(bytes: Uint8Array, settle: Callback): void {
  through(new DecompressionStream('gzip'), bytes, settle);
}

/** Only SASL's SCRAM asks for more of `crypto` than this. */
export const randomBytes = (size: number): PageBuffer =>
  crypto.getRandomValues(PageBuffer.alloc(size) as PageBuffer & Uint8Array<ArrayBuffer>);

export const connect = (): never => {
  throw new Error('a page has no TCP: give KafkaJS a socketFactory (webSocketSocketFactory)');
};

export const isIP = (): number => 0;

function through(
  stream: CompressionStream | DecompressionStream,
  bytes: Uint8Array,
  settle: Callback,
): void {
  const whole = new Response(
    new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(stream),
  ).arrayBuffer();
  whole.then((buffer) => settle(null, PageBuffer.from(buffer)), settle);
}
