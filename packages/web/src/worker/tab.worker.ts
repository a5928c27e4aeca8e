/**
 * The worker that each tab of a shared bus has: it waits for the leadership, and hosts the broker while it leads. Started by
 * share-broker.ts.
 */
import { expose } from 'comlink';
import { createBrowserClock } from '../host.ts';
import { Leadership } from '../tabs/leadership.ts';
import { failureOf, statusOf, type StartOptions, type TabControl } from './control.ts';
import { hostBroker, type HostedBroker } from './host-broker.ts';

let leadership: Leadership | undefined;
let host: HostedBroker | undefined;

/** The leader's lock is the right to the data. Who held it before is gone, or hangs and was silent for long. */
async function lead(
  options: StartOptions,
  failed: (error: unknown) => void,
): Promise<HostedBroker> {
  const started = await hostBroker({ ...options, takeOver: true });
  host = started;
  const forget = (): void => {
    if (host === started) host = undefined;
  };
  started.stopped.then(forget, (error: unknown) => {
    forget();
    failed(error);
  });
  return started;
}

const control: TabControl = {
  ping() {},
  start(options) {
    leadership ??= new Leadership({
      name: options.name,
      clock: createBrowserClock(),
      start: (failed) => lead(options, failed),
    });
  },
  async status() {
    const snapshot = leadership?.actor.getSnapshot();
    const error: unknown = snapshot?.context.error;
    return {
      role: snapshot === undefined ? 'closed' : String(snapshot.value),
      ...(error !== undefined && { failure: failureOf(error) }),
      ...(host !== undefined && { broker: await statusOf(host) }),
    };
  },
  close: async () => leadership?.close(),
};

expose(control);
