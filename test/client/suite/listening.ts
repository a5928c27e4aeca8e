/** A client's host that hears what the client sends: requests by name, with their bodies. */
import type { ClientHost } from '@odradek/client';
import type { Connection } from '@odradek/ports';
import { FrameReader, decode, decodeRequestHeader, fetchRequest } from '@odradek/protocol';
import type { Body } from '@odradek/protocol';

export interface Heard {
  readonly apiKey: number;
  readonly version: number;
  /** Of a Fetch. */
  readonly fetch: Body<typeof fetchRequest> | undefined;
}

const FRAME_BYTES_MAX = 16 * 1024 * 1024;

export function listening(host: ClientHost): {
  readonly host: ClientHost;
  readonly heard: Heard[];
} {
  const heard: Heard[] = [];
  return {
    heard,
    host: {
      ...host,
      dial: async (endpoint, signal) => overheard(await host.dial(endpoint, signal), heard),
    },
  };
}

function overheard(connection: Connection, heard: Heard[]): Connection {
  const frames = new FrameReader({
    frameBytesMax: FRAME_BYTES_MAX,
    onFrame: (bytes) => {
      const { apiKey, apiVersion: version, body } = decodeRequestHeader(bytes.slice());
      const isFetch = apiKey === fetchRequest.info.key;
      heard.push({
        apiKey,
        version,
        fetch: isFetch ? decode(fetchRequest, version, body) : undefined,
      });
    },
  });
  return {
    get remoteAddress() {
      return connection.remoteAddress;
    },
    get bufferedBytes() {
      return connection.bufferedBytes;
    },
    start: (handler) => connection.start(handler),
    send(chunks) {
      for (const chunk of chunks) frames.push(chunk, false);
      return connection.send(chunks);
    },
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => connection.close(),
    destroy: () => connection.destroy(),
  };
}
