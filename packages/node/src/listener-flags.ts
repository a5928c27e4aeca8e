/**
 * The flags that move listeners (--host, --port, --http-port, --no-http) over whatever file, environment and --set say of them: a flag
 * changes the one listener that it speaks of and leaves the others, their names and their advertised addresses alone.
 */
import { brokerKeys, formatListener, parseListener } from '@odradek/broker';
import type { ConfigEntry, ListenerAddress } from '@odradek/broker';

export interface ListenerFlags {
  readonly host?: string | undefined;
  /** Kafka over TCP. */
  readonly port?: number | undefined;
  /** HTTP and WebSocket; false for none. */
  readonly httpPort?: number | false | undefined;
}

const LOOPBACK = '127.0.0.1';

/** The entries, with one more when a flag has something to say. Listeners that cannot be read are left for the configuration to refuse. */
export function applyListenerFlags(
  entries: readonly ConfigEntry[],
  flags: ListenerFlags,
): readonly ConfigEntry[] {
  const { host, port, httpPort } = flags;
  const named = [
    host !== undefined && '--host',
    port !== undefined && '--port',
    httpPort !== undefined && (httpPort === false ? '--no-http' : '--http-port'),
  ].filter((name) => name !== false);
  if (named.length === 0) return entries;
  const written =
    entries.findLast(({ key }) => key === 'listeners')?.value.split(',') ??
    brokerKeys.listeners.default;
  const parsed = written.map(parseListener);
  const listeners = parsed.filter((listener) => listener !== undefined);
  if (listeners.length < parsed.length) return entries;
  const protocolOf = protocols(entries);
  const move = (protocol: string, to: number | undefined): readonly ListenerAddress[] => {
    const own = listeners.filter((listener) => protocolOf(listener.name) === protocol);
    if (own.length === 0)
      return to === undefined ? [] : [{ name: protocol, host: host ?? LOOPBACK, port: to }];
    return own.map((listener, index) => ({
      ...listener,
      host: host ?? listener.host,
      port: index === 0 ? (to ?? listener.port) : listener.port,
    }));
  };
  const others = listeners.filter(
    (listener) => !['PLAINTEXT', 'WS'].includes(protocolOf(listener.name)),
  );
  const moved = [
    ...move('PLAINTEXT', port),
    ...(httpPort === false ? [] : move('WS', httpPort)),
    ...others,
  ];
  return [
    ...entries,
    { key: 'listeners', value: moved.map(formatListener).join(','), origin: named.join(' ') },
  ];
}

/** A listener's protocol, by listener.security.protocol.map as far as it can be read. */
function protocols(entries: readonly ConfigEntry[]): (name: string) => string {
  const text = entries.findLast(({ key }) => key === 'listener.security.protocol.map')?.value ?? '';
  const map = new Map(
    text.split(',').map((part) => {
      const [name = '', protocol = ''] = part.split(':').map((word) => word.trim().toUpperCase());
      return [name, protocol] as const;
    }),
  );
  return (name) => map.get(name) || name;
}
