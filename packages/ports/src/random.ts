/** Chance, as a host provides it: a cryptographic source in production, a seeded stream in a simulation. */
export interface Random {
  /** Uniform in [0, 2^32). */
  uint32(): number;
  /** Fresh bytes, owned by the caller. */
  bytes(length: number): Uint8Array;
}
