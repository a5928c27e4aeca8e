/** "127.0.0.1:9092", "[::1]:9092". An IPv4 client of a dual-stack listener is shown as IPv4. */
export function formatAddress(host: string, port: number): string {
  const plain =
    host.startsWith(mappedPrefix) && host.includes('.') ? host.slice(mappedPrefix.length) : host;
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** RFC 4291 section 2.5.5.2. */
const mappedPrefix = '::ffff:';
