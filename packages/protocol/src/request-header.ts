/**
 * The header of a request as its receiver reads it, who may not know the API nor the version. What stands in it is told in headers.ts.
 */
import { ApiKey } from './api-key.ts';
import { MalformedFrame } from './bytes/malformed-frame.ts';
import { Reader } from './bytes/reader.ts';
import { readTagged } from './schema/tagged.ts';

const NEVER = Infinity;

/** First flexible version of the APIs that did not begin with one. */
const FIRST_FLEXIBLE_VERSION: { readonly [apiKey: number]: number } = {
  [ApiKey.Produce]: 9,
  [ApiKey.Fetch]: 12,
  [ApiKey.ListOffsets]: 6,
  [ApiKey.Metadata]: 9,
  [ApiKey.OffsetCommit]: 8,
  [ApiKey.OffsetFetch]: 6,
  [ApiKey.FindCoordinator]: 3,
  [ApiKey.JoinGroup]: 6,
  [ApiKey.Heartbeat]: 4,
  [ApiKey.LeaveGroup]: 4,
  [ApiKey.SyncGroup]: 4,
  [ApiKey.DescribeGroups]: 5,
  [ApiKey.ListGroups]: 3,
  [ApiKey.SaslHandshake]: NEVER,
  [ApiKey.ApiVersions]: 3,
  [ApiKey.CreateTopics]: 5,
  [ApiKey.DeleteTopics]: 4,
  [ApiKey.DeleteRecords]: 2,
  [ApiKey.InitProducerId]: 2,
  [ApiKey.OffsetForLeaderEpoch]: 4,
  [ApiKey.AddPartitionsToTxn]: 3,
  [ApiKey.AddOffsetsToTxn]: 3,
  [ApiKey.EndTxn]: 3,
  [ApiKey.WriteTxnMarkers]: 1,
  [ApiKey.TxnOffsetCommit]: 3,
  [ApiKey.DescribeAcls]: 2,
  [ApiKey.CreateAcls]: 2,
  [ApiKey.DeleteAcls]: 2,
  [ApiKey.DescribeConfigs]: 4,
  [ApiKey.AlterConfigs]: 2,
  [ApiKey.AlterReplicaLogDirs]: 2,
  [ApiKey.DescribeLogDirs]: 2,
  [ApiKey.SaslAuthenticate]: 2,
  [ApiKey.CreatePartitions]: 2,
  [ApiKey.CreateDelegationToken]: 2,
  [ApiKey.RenewDelegationToken]: 2,
  [ApiKey.ExpireDelegationToken]: 2,
  [ApiKey.DescribeDelegationToken]: 2,
  [ApiKey.DeleteGroups]: 2,
  [ApiKey.ElectLeaders]: 2,
  [ApiKey.IncrementalAlterConfigs]: 1,
  [ApiKey.OffsetDelete]: NEVER,
  [ApiKey.DescribeClientQuotas]: 1,
  [ApiKey.AlterClientQuotas]: 1,
  [ApiKey.BeginQuorumEpoch]: 1,
  [ApiKey.EndQuorumEpoch]: 1,
};

/** 1, or 2 with tagged fields. For an API that is not known: 2, as all new ones have it. */
export function requestHeaderVersion(apiKey: number, apiVersion: number): 1 | 2 {
  return apiVersion >= (FIRST_FLEXIBLE_VERSION[apiKey] ?? 0) ? 2 : 1;
}

/** 0, or 1 with tagged fields. */
export function responseHeaderVersion(apiKey: number, apiVersion: number): 0 | 1 {
  return apiKey !== ApiKey.ApiVersions && requestHeaderVersion(apiKey, apiVersion) === 2 ? 1 : 0;
}

/**
 * The first three fields are the same in all versions of all APIs: they are there even when a newer
 * peer has put something unreadable behind them, so that the broker can answer that it does not
 * know the version.
 */
export class RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Null also when the rest of the header cannot be read. */
  readonly clientId: string | null = null;
  private readonly reader: Reader;
  private readonly flaw: MalformedFrame | undefined;

  constructor(bytes: Uint8Array) {
    const reader = new Reader(bytes);
    reader.subject = 'request header';
    this.reader = reader;
    this.apiKey = reader.int16();
    this.apiVersion = reader.int16();
    this.correlationId = reader.int32();
    try {
      this.clientId = reader.nullableString();
      if (requestHeaderVersion(this.apiKey, this.apiVersion) === 2) readTagged(reader, [], {});
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.flaw = error;
    }
  }

  /**
   * Stands at the first byte of the body. Throws MalformedFrame when the header before it could not
   * be read.
   */
  get body(): Reader {
    if (this.flaw !== undefined) throw this.flaw;
    return this.reader;
  }
}

/**
 * `bytes` is a frame without its length. Throws MalformedFrame when it is too short to say what it
 * asks.
 */
export function decodeRequestHeader(bytes: Uint8Array): RequestHeader {
  return new RequestHeader(bytes);
}
