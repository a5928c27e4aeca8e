/**
 * Who may open a WebSocket, or read a page, from inside a browser. A WebSocket is not bound by the same-origin policy: any
 * page may open one to this machine, and only the Origin header tells which page it was (CWE-1385). A page whose name
 * was made to point at this machine (DNS rebinding) is its own same origin; there the Host header, which then holds that
 * foreign name, gives it away. Programs that are no browsers send no Origin and are let through: they could claim any.
 */
export type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: string };

export type OriginCheck = (origin: string | undefined, host: string | undefined) => Verdict;

/**
 * `allowedOrigins`: 'https://app.example.com', 'http://localhost:5173', 'http://localhost:*' (any port), or '*'. Same origin is
 * always allowed.
 */
export function createOriginCheck(allowedOrigins: readonly string[]): OriginCheck {
  const everyone = allowedOrigins.includes('*');
  const named = allowedOrigins.filter((origin) => origin !== '*');
  const listed = new Set(named.filter((origin) => !isOfAnyPort(origin)).map(requireOrigin));
  const ofAnyPort = new Set(
    named.filter(isOfAnyPort).map((origin) => requireOrigin(origin.slice(0, -ANY_PORT.length))),
  );
  return (origin, host) => {
    if (origin === undefined || everyone) return allowed;
    const normal = normalOrigin(origin);
    if (normal === undefined)
      return refused(`the Origin ${quote(origin)} is none that could be listed`);
    if (listed.has(normal) || ofAnyPort.has(withoutPort(normal)) || isSameOrigin(normal, host))
      return allowed;
    return refused(`the Origin ${quote(origin)} is not on the list`);
  };
}

const ANY_PORT = ':*';

const isOfAnyPort = (origin: string): boolean => origin.endsWith(ANY_PORT);

const withoutPort = (origin: string): string => origin.replace(/:\d+$/, '');

export type HostCheck = (host: string | undefined) => Verdict;

/**
 * For a listener bound to loopback: the Host must be an address, localhost, or one of `allowedHosts`. Elsewhere a
 * machine has names that it does not know itself, and everything is allowed. A page that was loaded from an address has
 * that address as its origin and cannot be a rebound name.
 */
export function createHostCheck(
  boundHost: string,
  allowedHosts: readonly string[] = [],
): HostCheck {
  if (!isLoopback(boundHost)) return () => allowed;
  const names = new Set(allowedHosts.map((name) => name.toLowerCase()));
  return (host) => {
    const name = host === undefined ? undefined : hostName(host);
    if (name === undefined) return refused(`the Host ${quote(host ?? '')} names nothing`);
    if (isAddress(name) || name === 'localhost' || name.endsWith('.localhost') || names.has(name))
      return allowed;
    return refused(`the Host ${quote(host ?? '')} is not a name of this machine's loopback`);
  };
}

export function isLoopback(host: string): boolean {
  const name = hostName(host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);
  return (
    name === 'localhost' ||
    name === '[::1]' ||
    (name !== undefined && /^127\.\d+\.\d+\.\d+$/.test(name))
  );
}

const allowed: Verdict = { allowed: true };

function refused(reason: string): Verdict {
  return { allowed: false, reason };
}

function requireOrigin(origin: string): string {
  const normal = normalOrigin(origin);
  if (normal === undefined) {
    throw new RangeError(
      `${quote(origin)} is not an origin. Write scheme, host and, unless it is the scheme's own, port: https://app.example.com`,
    );
  }
  return normal;
}

/** Scheme, host and port, in lower case and without the scheme's own port; undefined for 'null' and what is no origin. */
function normalOrigin(origin: string): string | undefined {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url === undefined || url.host === '' || url.username !== '' || url.password !== '')
    return undefined;
  if ((url.pathname !== '/' && url.pathname !== '') || url.search !== '' || url.hash !== '')
    return undefined;
  return `${url.protocol}//${url.host}`;
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined) return false;
  const scheme = origin.slice(0, origin.indexOf('//'));
  return (
    (scheme === 'http:' || scheme === 'https:') && normalOrigin(`${scheme}//${host}`) === origin
  );
}

function hostName(host: string): string | undefined {
  const normal = normalOrigin(`http://${host}`);
  return normal === undefined ? undefined : new URL(normal).hostname;
}

/** What the URL parser leaves of an address: dotted decimals, or IPv6 in brackets. */
function isAddress(name: string): boolean {
  return name.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

/** Other people's text in a log line: short, and on one line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}
