/** Bytes waiting for the network from which `send` asks its caller to stop; at half of it the caller is called back. */
export const sendHighWaterBytes = 1024 * 1024;

/** Chunks from here on may be worth using again; telling of smaller ones costs more than it brings. */
export const sentBytesMin = 64 * 1024;
