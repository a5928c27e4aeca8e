/** What clients are told of a broker in a worker; every way to it is a port. */
export const HOSTED_ENDPOINT = { host: 'odradek.worker', port: 9092 } as const;
