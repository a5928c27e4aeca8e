/** The listener whose address other members dial: HTTP, with the peer protocol at /peer. */
export const PEER_LISTENER = 'WS';
