/**
 * From each tab of an origin: one broker for all of them. Every tab has a worker; one of these leads and hosts the broker on the
 * origin's storage, and when it goes, in whatever way, another one goes on with the same data. A client is led to whoever leads.
 * A tab whose worker hangs ends it, and begins another one.
 *
 *   const shared = shareBroker({ name: 'my-app' });
 *   await using bus = await connect({ host: shared.clientHost, brokers: shared.bootstrap });
 */
import type { ClientHost } from '@odradek/client';
import type { Clock, TimerHandle } from '@odradek/ports';
import { wrap, type Remote } from 'comlink';
import { createBrowserClientHost } from '../client-host.ts';
import { LeaderDial } from '../tabs/leader-dial.ts';
import type { StartOptions, TabControl, TabStatus } from './control.ts';
import { HOSTED_ENDPOINT } from './endpoint.ts';

export interface ShareBrokerOptions extends Omit<StartOptions, 'lockWaitMs' | 'takeOver'> {
  /** The worker, for programs whose bundler makes it in its own way: it runs `@odradek/web/tab-worker`. */
  readonly worker?: () => Worker;
}

export interface SharedBroker {
  readonly clientHost: ClientHost;
  /** Where a client begins. */
  readonly bootstrap: string;
  /** This tab's own; another one when it hung. */
  readonly worker: Worker;
  /** Of the leader, as far as this tab has heard of one: each has a higher one than those before. */
  readonly epoch: number | undefined;
  /** Of this tab's own worker. */
  status(): Promise<TabStatus>;
  /** This tab leaves; if it led, another one does. */
  close(): Promise<void>;
}

/** How often the page asks its worker whether it lives... */
const PING_MS = 500;
/** ...and how often it finds no answer, before that worker is ended and another one begun. */
const UNANSWERED_MAX = 5;

export function shareBroker(options: ShareBrokerOptions): SharedBroker {
  const { worker: makeWorker = defaultWorker, ...start } = options;
  const clientHost = createBrowserClientHost();
  const leader = new LeaderDial({ name: options.name, clock: clientHost.clock });
  const begin = (): Running => {
    const worker = makeWorker();
    const control = wrap<TabControl>(worker);
    void control.start(start);
    const broken = new Promise<TabStatus>((resolve) =>
      worker.addEventListener('error', ({ message }) => {
        const text = message ?? 'its program cannot be fetched';
        resolve({ role: 'broken', failure: { name: 'Error', message: text } });
      }),
    );
    return { worker, control, broken };
  };
  let running = begin();
  const unwatch = watch(clientHost.clock, {
    ping: () => running.control.ping(),
    hangs() {
      // Others need what it holds: the browser gives a worker's files to nobody else while it lives.
      running.worker.terminate();
      running = begin();
    },
  });
  return {
    clientHost: { ...clientHost, dial: leader.dial },
    bootstrap: `${HOSTED_ENDPOINT.host}:${HOSTED_ENDPOINT.port}`,
    get worker() {
      return running.worker;
    },
    get epoch() {
      return leader.epoch;
    },
    status: () => Promise.race([running.control.status(), running.broken]),
    async close() {
      unwatch();
      leader.close();
      await Promise.race([running.control.close(), running.broken]);
      running.worker.terminate();
    },
  };
}

interface Running {
  readonly worker: Worker;
  readonly control: Remote<TabControl>;
  /** Settles when its program cannot be had or has failed. */
  readonly broken: Promise<TabStatus>;
}

interface Watched {
  ping(): Promise<void>;
  hangs(): void;
}

/**
 * A worker whose program is still being fetched may take its time: what counts begins with its first answer. A page that was frozen
 * or slow itself has no right to complain: it counts its own looks, and no time that it has not seen.
 */
function watch(clock: Clock, watched: Watched): () => void {
  let unanswered = 0;
  let hasAnswered = false;
  let isWaiting = false;
  let timer: TimerHandle;
  const ping = (): void => {
    isWaiting = true;
    unanswered = 0;
    void watched.ping().then(() => {
      isWaiting = false;
      hasAnswered = true;
    });
  };
  const look = (): void => {
    if (!isWaiting) ping();
    else if (hasAnswered && ++unanswered >= UNANSWERED_MAX) {
      hasAnswered = false;
      watched.hangs();
      ping();
    }
    timer = clock.setTimeout(look, PING_MS);
  };
  look();
  return () => clock.clearTimeout(timer);
}

const defaultWorker = (): Worker =>
  new Worker(new URL('./tab.worker.ts', import.meta.url), { type: 'module' });
