/** Bytes waiting for the network from which `send` asks its caller to stop; at half of it the caller is called back. */
export const sendHighWaterBytes = 1024 * 1024;
