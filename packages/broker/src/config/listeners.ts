/**
 * Listeners in Kafka's notation, NAME://host:port. The name is the listener's own; the protocol behind it comes from
 * listener.security.protocol.map, where WS is ours: Kafka's protocol in WebSocket frames.
 */

export type ListenerProtocol = 'PLAINTEXT' | 'WS';

export interface ListenerAddress {
  readonly name: string;
  /** Empty for every interface. */
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
}

export interface ListenerConfig extends ListenerAddress {
  readonly protocol: ListenerProtocol;
  /** What clients that came by this listener are told; undefined for the address that is listened on. */
  readonly advertised: ListenerAddress | undefined;
}

/** The parts of one listener; undefined when the text is none. Hosts of IPv6 stand in brackets. */
export function parseListener(text: string): ListenerAddress | undefined {
  const match = /^([A-Za-z0-9_]+):\/\/(\[[0-9A-Fa-f:.%]+\]|[^:/[\]]*):(\d{1,5})$/.exec(text.trim());
  const [, name = '', host = '', digits = ''] = match ?? [];
  const port = Number(digits);
  if (match === null || port > 65_535) return undefined;
  return { name: name.toUpperCase(), host: host.replace(/^\[|\]$/g, ''), port };
}

export const formatListener = ({ name, host, port }: ListenerAddress): string =>
  `${name}://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** "NAME:PROTOCOL,..." as a map; a string tells what is wrong with it. */
export function parseProtocolMap(text: string): ReadonlyMap<string, string> | string {
  const map = new Map<string, string>();
  for (const part of text.split(',').map((piece) => piece.trim())) {
    if (part === '') continue;
    const [name, protocol, ...rest] = part.split(':');
    if (!name || !protocol || rest.length > 0) return `${part} is not NAME:PROTOCOL`;
    map.set(name.toUpperCase(), protocol.toUpperCase());
  }
  return map;
}

export interface ListenerSources {
  readonly listeners: readonly string[];
  readonly advertised: readonly string[] | null;
  readonly protocolMap: string;
  readonly controllerNames: readonly string[];
}

/** Puts the three keys together. Listeners of the controller are left out: see controller.listener.names. */
export function resolveListeners(sources: ListenerSources): {
  readonly listeners: readonly ListenerConfig[];
  readonly problems: readonly ListenerProblem[];
} {
  const problems: ListenerProblem[] = [];
  const protocols = parseProtocolMap(sources.protocolMap);
  if (typeof protocols === 'string') {
    return {
      listeners: [],
      problems: [{ key: 'listener.security.protocol.map', reason: protocols }],
    };
  }
  const addresses = parseAll('listeners', sources.listeners, problems);
  const advertised = parseAll('advertised.listeners', sources.advertised ?? [], problems);
  for (const { name, host, port } of advertised) {
    if (!addresses.some((address) => address.name === name)) {
      problems.push({ key: 'advertised.listeners', reason: `${name} is not among the listeners` });
    }
    if (host === '' || host === '0.0.0.0' || host === '::' || port === 0) {
      problems.push({
        key: 'advertised.listeners',
        reason: `nobody can connect to ${formatListener({ name, host, port })}: name a host and a port`,
      });
    }
  }
  const controllers = new Set(sources.controllerNames.map((name) => name.toUpperCase()));
  const listeners = addresses
    .filter(({ name }) => !controllers.has(name))
    .flatMap((address) => {
      const protocol = protocols.get(address.name) ?? address.name;
      if (protocol === 'PLAINTEXT' || protocol === 'WS') {
        return [
          {
            ...address,
            protocol: protocol as ListenerProtocol,
            advertised: advertised.find(({ name }) => name === address.name),
          },
        ];
      }
      problems.push({ key: 'listeners', reason: explainProtocol(address.name, protocol) });
      return [];
    });
  if (listeners.length === 0 && problems.length === 0)
    problems.push({ key: 'listeners', reason: 'no listener is left for clients' });
  return { listeners, problems };
}

export interface ListenerProblem {
  readonly key: 'listeners' | 'advertised.listeners' | 'listener.security.protocol.map';
  readonly reason: string;
}

function parseAll(
  key: 'listeners' | 'advertised.listeners',
  texts: readonly string[],
  problems: ListenerProblem[],
): readonly ListenerAddress[] {
  const addresses: ListenerAddress[] = [];
  for (const text of texts) {
    const address = parseListener(text);
    if (address === undefined) problems.push({ key, reason: `${text} is not NAME://host:port` });
    else if (addresses.some(({ name }) => name === address.name))
      problems.push({ key, reason: `${address.name} is named twice` });
    else if (
      address.port !== 0 &&
      addresses.some((other) => other.port === address.port && other.host === address.host)
    ) {
      problems.push({ key, reason: `two listeners share port ${address.port}` });
    } else addresses.push(address);
  }
  return addresses;
}

function explainProtocol(name: string, protocol: string): string {
  if (['SSL', 'SASL_PLAINTEXT', 'SASL_SSL', 'WSS'].includes(protocol))
    return `${name} uses ${protocol}, which this version does not support`;
  return `${name} has no protocol: add ${name}:PLAINTEXT or ${name}:WS to listener.security.protocol.map`;
}
