/** The dedicated worker that hosts a broker: started by start-broker.ts, and told what to do by its control. */
import { expose } from 'comlink';
import { connectPort, type MessagePortLike } from '@odradek/transport/message-port';
import { createBrowserClock } from '../host.ts';
import { failureOf, statusOf, type BrokerControl, type Failure } from './control.ts';
import { hostBroker, type HostedBroker } from './host-broker.ts';

const clock = createBrowserClock();
let host: HostedBroker | undefined;
let ended: Promise<Failure | undefined> = Promise.resolve(undefined);

const outcomeOf = (work: Promise<unknown>): Promise<Failure | undefined> =>
  work.then(() => undefined, failureOf);

const control: BrokerControl = {
  start: (options) =>
    outcomeOf(
      hostBroker(options).then((it) => {
        host = it;
        ended = outcomeOf(it.stopped);
      }),
    ),
  connect(port, remoteAddress) {
    if (host === undefined) return port.close();
    host.accept(connectPort(port as unknown as MessagePortLike, { clock, remoteAddress }));
  },
  status: async () => host && statusOf(host),
  ended: () => ended,
  stop: () => outcomeOf(host?.stop() ?? Promise.resolve()),
};

expose(control);
