import { TransportError } from '@odradek/ports';

/** RFC 6455 section 7.4.1: 1000 done, 1001 page left, 1005 no code given; the rest are failures. */
export function closeCause(
  code: number,
  reason: string,
  address: string,
): TransportError | undefined {
  if (code === 1000 || code === 1001 || code === 1005) return undefined;
  if (code === 1006)
    return new TransportError(`${address} went away without closing the WebSocket.`);
  return new TransportError(
    `${address} closed the WebSocket with code ${code}${reason === '' ? '' : `: ${reason}`}.`,
  );
}
