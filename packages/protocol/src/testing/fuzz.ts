/**
 * Frames as a broken or hostile peer sends them: valid ones of every API and version, then damaged.
 * Whatever comes, decoding must give a body or throw MalformedFrame; any other error is a hole.
 */
import { apis } from '../apis/index.ts';
import { MalformedFrame } from '../bytes/malformed-frame.ts';
import { decodeResponse, encodeRequest, encodeResponse } from '../headers.ts';
import { decodeRequestHeader } from '../request-header.ts';
import { decode, type Message } from '../schema/message.ts';
import { arbitraryBody } from './arbitrary.ts';
import { type Chance, seeded } from './seeded.ts';

const FRAMES_PER_VERSION = 4;
const LENGTH_BYTES = 4;

/** A whole frame without its length. */
export interface ValidFrame {
  readonly of: Message;
  readonly version: number;
  readonly isRequest: boolean;
  readonly bytes: Uint8Array;
}

/** Some valid frames of every version of every API. */
export function validFrames(seed: number, framesPerVersion = FRAMES_PER_VERSION): ValidFrame[] {
  const chance = seeded(seed);
  const frames: ValidFrame[] = [];
  for (const { request, response } of apis) {
    for (const of of [request, response]) {
      const isRequest = of === request;
      for (let version = of.info.versions[0]; version <= of.info.versions[1]; version++) {
        for (let i = 0; i < framesPerVersion; i++) {
          const body = arbitraryBody(of, version, chance) as never;
          const correlationId = chance.uint32() | 0;
          const chunks = isRequest
            ? encodeRequest(of, version, { correlationId, clientId: 'fuzz' }, body)
            : encodeResponse(of, version, correlationId, body);
          frames.push({ of, version, isRequest, bytes: joined(chunks).slice(LENGTH_BYTES) });
        }
      }
    }
  }
  return frames;
}

/** Endless damaged requests, without their lengths, for those who have a socket. */
export function* damagedRequests(seed: number): Generator<Uint8Array, never> {
  const chance = seeded(seed);
  const requests = validFrames(seed).filter((frame) => frame.isRequest);
  for (;;) yield damaged(chance.pick(requests).bytes, chance);
}

export interface FuzzReport {
  readonly frames: number;
  readonly bytes: number;
  /** Were still readable after the damage. */
  readonly decoded: number;
  /** MalformedFrame. */
  readonly refused: number;
  /** Requests whose header asks for what there is no schema of. */
  readonly unknown: number;
}

/** Throws on the first frame that decoding answers with anything but a body or MalformedFrame. */
export function fuzzDecode(seed: number, iterations: number): FuzzReport {
  const chance = seeded(seed);
  const frames = validFrames(seed);
  const requests = new Map(apis.map(({ key, request }) => [key, request]));
  const report = { frames: 0, bytes: 0, decoded: 0, refused: 0, unknown: 0 };
  return withoutStackTraces(() => {
    for (let i = 0; i < iterations; i++) {
      const frame = chance.pick(frames);
      const bytes = damaged(frame.bytes, chance);
      report.frames++;
      report.bytes += bytes.length;
      try {
        if (decodeDamaged(frame, bytes, requests)) report.decoded++;
        else report.unknown++;
      } catch (error) {
        if (!(error instanceof MalformedFrame)) {
          const where = `${frame.of.info.name} v${frame.version}, seed ${seed}, frame ${i}`;
          throw new Error(`${where}: ${hex(bytes)}`, { cause: error });
        }
        report.refused++;
      }
    }
    return report;
  });
}

/** Most damaged frames end in an error, and a stack trace takes longer than all the rest. */
function withoutStackTraces<T>(run: () => T): T {
  const v8 = Error as { stackTraceLimit?: number };
  const before = v8.stackTraceLimit;
  v8.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    if (before === undefined) delete v8.stackTraceLimit;
    else v8.stackTraceLimit = before;
  }
}

/** As a peer would: a request is what its header says, a response what was asked for. */
function decodeDamaged(
  { of, version, isRequest }: ValidFrame,
  bytes: Uint8Array,
  requests: ReadonlyMap<number, Message>,
): boolean {
  if (!isRequest) {
    decodeResponse(of, version, bytes);
    return true;
  }
  const header = decodeRequestHeader(bytes);
  const request = requests.get(header.apiKey);
  if (request === undefined) return false;
  const [min, max] = request.info.versions;
  if (header.apiVersion < min || header.apiVersion > max) return false;
  decode(request, header.apiVersion, header.body);
  return true;
}

/** Lengths and counts that have broken parsers before. */
const SUSPICIOUS_INT32 = [
  0, -1, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, -0x80000000,
];
const SUSPICIOUS_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe];

/** A copy with one to four things wrong. */
export function damaged(frame: Uint8Array, chance: Chance): Uint8Array {
  let bytes: Uint8Array = frame.slice();
  for (let times = 1 + chance.below(4); times > 0; times--) bytes = damageOnce(bytes, chance);
  return bytes;
}

function damageOnce(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = chance.below(bytes.length);
  if (bytes.length === 0) return bytes;
  switch (chance.below(8)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      bytes[at] = bytes[at]! ^ (1 << chance.below(8));
      return bytes;
    case 2:
      bytes[at] = chance.pick(SUSPICIOUS_BYTES);
      return bytes;
    case 3:
      bytes[at] = chance.below(256);
      return bytes;
    case 4:
      if (at + 4 <= bytes.length) {
        new DataView(bytes.buffer, bytes.byteOffset).setInt32(at, chance.pick(SUSPICIOUS_INT32));
      }
      return bytes;
    case 5:
      // A varint without an end.
      return bytes.fill(0xff, at, at + 1 + chance.below(10));
    case 6: {
      // A piece of the frame where another piece should be.
      const from = chance.below(bytes.length);
      return bytes.copyWithin(at, from, from + 1 + chance.below(16));
    }
    default: {
      // A piece more, or less.
      const length = 1 + chance.below(8);
      const rest = bytes.subarray(chance.oneIn(2) ? at + length : Math.max(0, at - length));
      return joined([bytes.subarray(0, at), rest]);
    }
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
