/** The APIs of the coordination tree, which are Odradek's own: other brokers do not offer them. */
import {
  closeTreeSessionRequest,
  closeTreeSessionResponse,
  openTreeSessionRequest,
  openTreeSessionResponse,
  readTreeRequest,
  readTreeResponse,
  renewTreeSessionRequest,
  renewTreeSessionResponse,
  watchTreeRequest,
  watchTreeResponse,
  writeTreeRequest,
  writeTreeResponse,
} from '@odradek/protocol';
import { api } from '../api.ts';

export const openTreeSessionApi = /*@__PURE__*/ api(
  openTreeSessionRequest,
  openTreeSessionResponse,
);
export const renewTreeSessionApi = /*@__PURE__*/ api(
  renewTreeSessionRequest,
  renewTreeSessionResponse,
);
export const closeTreeSessionApi = /*@__PURE__*/ api(
  closeTreeSessionRequest,
  closeTreeSessionResponse,
);
export const readTreeApi = /*@__PURE__*/ api(readTreeRequest, readTreeResponse);
export const writeTreeApi = /*@__PURE__*/ api(writeTreeRequest, writeTreeResponse);
export const watchTreeApi = /*@__PURE__*/ api(watchTreeRequest, watchTreeResponse);
