/** Addresses of brokers as people write them: host:port, or a WebSocket's URL. */
import type { Endpoint } from '@odradek/ports';
import { UsageError } from './world.ts';
import type { Link } from './world.ts';

export interface BrokerAddresses {
  readonly link: Link;
  readonly endpoints: readonly Endpoint[];
}

const PORT_DEFAULT = 9092;
const PORT_MAX = 65_535;
const WEBSOCKET_PATH = '/kafka';
const PORTS = { 'ws:': 9094, 'wss:': 443 } as const;

export function parseBrokers(text: string): BrokerAddresses {
  const parsed = text.split(',').map((part) => parseOne(part.trim()));
  const [first] = parsed;
  const links = new Set(parsed.map(({ link }) => JSON.stringify(link)));
  if (first === undefined || links.size > 1)
    throw new UsageError(`${text}: all brokers are reached in one way, by TCP or one ws:// path`);
  return { link: first.link, endpoints: parsed.map(({ endpoint }) => endpoint) };
}

function parseOne(text: string): { readonly link: Link; readonly endpoint: Endpoint } {
  if (/^wss?:\/\//i.test(text)) return parseUrl(text);
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:/[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[3] ?? PORT_DEFAULT);
  if (match === null || port > PORT_MAX)
    throw new UsageError(`${JSON.stringify(text)} is not host:port, nor ws://host:port/kafka`);
  return { link: { kind: 'tcp' }, endpoint: { host: match[1] ?? match[2] ?? '', port } };
}

function parseUrl(text: string): { readonly link: Link; readonly endpoint: Endpoint } {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError(`${JSON.stringify(text)} is not ws://host:port/kafka`);
  }
  const secure = url.protocol === 'wss:';
  // An URL does not tell whether a protocol's own port was written: ws://host:80 has none either.
  const written = /^wss?:\/\/(?:\[[^\]]*\]|[^/:]*):(\d+)/i.exec(text)?.[1];
  const port = Number(written ?? PORTS[secure ? 'wss:' : 'ws:']);
  const path = url.pathname === '/' ? WEBSOCKET_PATH : url.pathname;
  return {
    link: { kind: 'websocket', path, secure },
    endpoint: { host: url.hostname.replace(/^\[|\]$/g, ''), port },
  };
}
