/** Fields and structs that many APIs have in common. */
import { array, type FieldOptions, int32, string, uint16 } from '../schema/fields.ts';

type When = Pick<FieldOptions, 'since' | 'until' | 'tag'>;
type Tagged = { readonly since: number; readonly tag: number };

/** How long the client was held back for its quota; 0 when it was not. */
export const throttleTimeMs = (when?: When) => int32({ default: 0, ...when });

/** More than the error code says; null when there is nothing to add. */
export const errorMessage = (when?: When) => string({ nullable: true, default: null, ...when });

/**
 * What the authorized operations read as where nobody asked for them. Otherwise a bit for each
 * operation.
 */
export const AUTHORIZED_OPERATIONS_OMITTED = -2147483648;
export const authorizedOperations = (when?: When) =>
  int32({ default: AUTHORIZED_OPERATIONS_OMITTED, ...when });

/** A hint at who leads a partition now; -1 and -1 when there is none to give. */
export const leaderIdAndEpoch = () => ({
  leaderId: int32({ default: -1 }),
  leaderEpoch: int32({ default: -1 }),
});

/** Where the leaders can be reached that the hints of an answer name (KIP-951). */
export const nodeEndpoints = (when: Tagged) =>
  array(
    {
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: true, default: null }),
    },
    when,
  );

/** The same in the APIs of the metadata quorum (KIP-853). */
export const quorumEndpoints = (when: Tagged) =>
  array({ nodeId: int32(), host: string(), port: uint16() }, when);

/** A listener of a node, by name. */
export const endpoint = () => ({ name: string(), host: string(), port: uint16() });
