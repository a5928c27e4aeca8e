/** Where a broker listens, and what a connection may ask of it. */
import { INT_MAX, atLeast, int, list, listOf, long, string } from '../key.ts';

export const networkKeys = {
  listeners: list(['PLAINTEXT://127.0.0.1:9092', 'WS://127.0.0.1:9094'], {
    importance: 'high',
    valid: listOf([], { mayBeEmpty: false }),
    doc: "Where Kafka's protocol is served, as NAME://host:port; port 0 takes a free one, an empty host is every interface. A listener of protocol WS is an HTTP server: Kafka's protocol in WebSocket frames at /kafka, and /metrics, /healthz and /readyz beside it. Ours bind to loopback by default, Kafka's to every interface.",
  }),
  'advertised.listeners': list(null, {
    importance: 'high',
    valid: listOf([], { mayBeEmpty: false }),
    doc: 'What clients are told to connect to, by listener name, when that is not what is listened on (behind a proxy, in a container). A listener that is not named here is advertised as it listens.',
  }),
  'listener.security.protocol.map': string('PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,WS:WS', {
    importance: 'low',
    doc: 'The protocol behind each listener name: PLAINTEXT (TCP) or WS (WebSocket). Names of one of the two protocols need no entry.',
  }),
  'socket.request.max.bytes': int(100 * 1024 * 1024, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'The largest request that is read; a longer one closes the connection before anything is kept of it.',
  }),
  'max.connections': int(10_000, {
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    doc: "Connections open at once, all listeners together; one more is closed at once. Kafka's default is no limit.",
  }),
  'max.connections.per.ip': int(INT_MAX, {
    updateMode: 'cluster-wide',
    valid: atLeast(0),
    doc: 'Connections open at once from one address.',
  }),
  'connections.max.idle.ms': long(600_000, {
    doc: 'A connection without a request for so long is closed.',
  }),
  'queued.max.requests': int(500, {
    importance: 'high',
    valid: atLeast(1),
    doc: 'Requests of all connections under way at once; beyond it, connections are not read from.',
  }),
  'fetch.max.bytes': int(55 * 1024 * 1024, {
    valid: atLeast(1024),
    doc: 'The most bytes of records in one Fetch answer, whatever the client asks for; one batch is always given, however large.',
  }),
  'max.incremental.fetch.session.cache.slots': int(1000, {
    valid: atLeast(0),
    doc: 'Fetch sessions (KIP-227) kept at once; a client that gets none fetches in full each time.',
  }),
  'max.request.partition.size.limit': int(2000, {
    valid: atLeast(1),
    doc: 'The most partitions in one DescribeTopicPartitions answer.',
  }),
  'odradek.websocket.allowed.origins': list(
    ['http://localhost:*', 'http://127.0.0.1:*', 'http://[::1]:*'],
    {
      importance: 'high',
      valid: listOf([], { mayBeEmpty: true }),
      doc: 'Origins of pages that may open a WebSocket; a port of * is any port, the one word * is everybody. A client that sends no Origin is no page and is let in.',
    },
  ),
  'odradek.connection.max.in.flight.requests': int(64, {
    valid: atLeast(1),
    doc: 'Requests of one connection under way at once; beyond it, the connection is not read from.',
  }),
  'odradek.max.partitions': int(100_000, {
    valid: atLeast(1),
    doc: 'Partitions on one broker, those of internal topics included; a topic that would pass it is refused.',
  }),
  'odradek.max.groups': int(100_000, {
    valid: atLeast(1),
    doc: 'Consumer groups that one broker coordinates; one more is refused.',
  }),
} as const;
