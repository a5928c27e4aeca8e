import { TransportError } from '@odradek/ports';
import { formatAddress } from './address.ts';

/**
 * The system's error codes as sentences that say what to do. `portOption` is what the person who starts the process
 * would change: "--port", "--http-port".
 */
export function listenError(
  cause: unknown,
  host: string,
  port: number,
  portOption: string,
): TransportError {
  const where = formatAddress(host, port);
  const sentences: Record<string, string> = {
    EADDRINUSE: `${where} is in use by another process. Stop that one, or choose another port with ${portOption} (0 takes a free one).`,
    EACCES: `This user may not listen on ${where}. Choose a port of 1024 or above with ${portOption}.`,
    EADDRNOTAVAIL: `${host} is not an address of this machine. Listen on one that is (127.0.0.1: this machine only; 0.0.0.0: every network).`,
    ENOTFOUND: `The name ${host} has no address. Listen on an IP address, or correct the name.`,
    EAI_AGAIN: `The name ${host} could not be looked up just now. Listen on an IP address, or try again.`,
    ERR_SOCKET_BAD_PORT: `${port} is not a port. Choose one from 0 to 65535 with ${portOption}.`,
  };
  return new TransportError(
    sentences[codeOf(cause)] ?? `Cannot listen on ${where}: ${messageOf(cause)}`,
    { cause },
  );
}

export function dialError(cause: unknown, address: string): TransportError {
  const sentences: Record<string, string> = {
    ECONNREFUSED: `Nothing listens on ${address}. Is the broker running, and is this its address?`,
    ENOTFOUND: `${address} has a name without an address. Correct the name.`,
    EAI_AGAIN: `The name in ${address} could not be looked up just now. Try again.`,
    EHOSTUNREACH: `No way leads to ${address}. Check the network and the firewall.`,
    ENETUNREACH: `No way leads to ${address}. Check the network and the firewall.`,
    ETIMEDOUT: `${address} did not answer in time. Check the network and the firewall.`,
  };
  return new TransportError(
    sentences[codeOf(cause)] ?? `Cannot connect to ${address}: ${messageOf(cause)}`,
    { cause },
  );
}

export function connectionError(cause: unknown, address: string): TransportError {
  const sentences: Record<string, string> = {
    ECONNRESET: `${address} reset the connection.`,
    EPIPE: `${address} closed the connection while it was written to.`,
    ETIMEDOUT: `${address} no longer answers.`,
  };
  return new TransportError(
    sentences[codeOf(cause)] ?? `The connection with ${address} failed: ${messageOf(cause)}`,
    { cause },
  );
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
