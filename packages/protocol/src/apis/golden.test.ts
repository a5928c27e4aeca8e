/**
 * A handful of frames written out by hand, byte for byte, from the rules of the protocol: what the
 * schemas and the codec come to together. One line a field.
 */
import { describe, expect, it } from 'vitest';
import { decodeResponse, encodeRequest, encodeResponse, type RequestIdentity } from '../headers.ts';
import { decodeRequestHeader } from '../request-header.ts';
import { ErrorCode } from '../error-codes.ts';
import type { Uuid } from '../ids.ts';
import { decode, type Message } from '../schema/message.ts';
import {
  apiVersionsRequest,
  apiVersionsResponse,
  fetchRequest,
  fetchResponse,
  joinGroupRequest,
  joinGroupResponse,
  metadataRequest,
  metadataResponse,
  produceRequest,
  produceResponse,
} from './index.ts';

const identity: RequestIdentity = { correlationId: 7, clientId: 'me' };
const TOPIC_ID = '00112233445566778899aabbccddeeff' as Uuid;

/** Hex digits, with remarks behind a semicolon. */
function golden(text: string): string {
  return text.replace(/;.*$/gm, '').replace(/\s/g, '');
}

function expectRequest<In>(
  request: Message<unknown, In>,
  version: number,
  body: In,
  text: string,
): void {
  const frame = Buffer.concat(encodeRequest(request, version, identity, body));
  expect(frame.toString('hex')).toBe(golden(text));
  const header = decodeRequestHeader(frame.subarray(4));
  expect(header).toMatchObject({ ...identity, apiKey: request.info.key, apiVersion: version });
  expect(decode(request, version, header.body)).toMatchObject(body as object);
  expect(header.body.bytesLeft).toBe(0);
}

function expectResponse<In>(
  response: Message<unknown, In>,
  version: number,
  body: In,
  text: string,
): void {
  const frame = Buffer.concat(encodeResponse(response, version, 7, body));
  expect(frame.toString('hex')).toBe(golden(text));
  const read = decodeResponse(response, version, frame.subarray(4));
  expect(read).toMatchObject({ correlationId: 7, body: body as object });
}

describe('ApiVersions', () => {
  it('v0 asks with an old header and no body', () => {
    expectRequest(
      apiVersionsRequest,
      0,
      {},
      `
      0000000c             ; 12 bytes follow
      0012 0000 00000007   ; key 18, version 0, correlation id
      0002 6d65            ; client id
    `,
    );
  });

  it('v3 asks with a new header, in which the client id is still an old string', () => {
    expectRequest(
      apiVersionsRequest,
      3,
      { clientSoftwareName: 'ab', clientSoftwareVersion: '1' },
      `
      00000013
      0012 0003 00000007
      0002 6d65
      00                   ; the header's tagged fields
      03 6162              ; length + 1
      02 31
      00                   ; the body's tagged fields
    `,
    );
  });

  const apiKeys = [{ apiKey: 18, minVersion: 0, maxVersion: 4 }];

  it('v0 answers', () => {
    expectResponse(
      apiVersionsResponse,
      0,
      { errorCode: 35, apiKeys },
      `
      00000010
      00000007
      0023
      00000001 0012 0000 0004
    `,
    );
  });

  it('v3 answers with the old header and a compact body', () => {
    expectResponse(
      apiVersionsResponse,
      3,
      { errorCode: 0, apiKeys, throttleTimeMs: 5 },
      `
      00000013
      00000007             ; no tagged fields here
      0000
      02 0012 0000 0004 00 ; count + 1; each element has its own tagged fields
      00000005
      00
    `,
    );
  });

  it('v4 answers with features in tagged fields, in the order of their tags', () => {
    const body = {
      errorCode: ErrorCode.NONE,
      apiKeys: [],
      supportedFeatures: [{ name: 'f', minVersion: 0, maxVersion: 2 }],
      finalizedFeaturesEpoch: 9,
      finalizedFeatures: [{ name: 'f', maxVersionLevel: 2, minVersionLevel: 1 }],
    };
    expectResponse(
      apiVersionsResponse,
      4,
      body,
      `
      0000002a
      00000007
      0000
      01
      00000000
      03                            ; three tagged fields
      00 08  02 02 66 0000 0002 00  ; tag, size, value
      01 08  0000000000000009
      02 08  02 02 66 0002 0001 00
    `,
    );
  });
});

describe('Metadata', () => {
  it('v1 asks for all topics with null', () => {
    expectRequest(
      metadataRequest,
      1,
      { topics: null },
      `
      00000010
      0003 0001 00000007 0002 6d65
      ffffffff
    `,
    );
  });

  it('v1 answers', () => {
    const body = {
      brokers: [{ nodeId: 1, host: 'h', port: 9092, rack: null }],
      controllerId: 1,
      topics: [
        {
          errorCode: ErrorCode.NONE,
          name: 't',
          isInternal: true,
          partitions: [
            {
              errorCode: ErrorCode.LEADER_NOT_AVAILABLE,
              partitionIndex: 0,
              leaderId: -1,
              replicaNodes: [1, 2],
              isrNodes: [],
            },
          ],
        },
      ],
    };
    expectResponse(
      metadataResponse,
      1,
      body,
      `
      00000041
      00000007
      00000001 00000001 0001 68 00002384 ffff      ; brokers: id, host, port, no rack
      00000001                                     ; controller
      00000001 0000 0001 74 01                     ; topics: error, name, internal
      00000001 0005 00000000 ffffffff              ; partitions: error, index, leader
      00000002 00000001 00000002                   ; replicas
      00000000                                     ; isr
    `,
    );
  });

  it('v12 asks for a topic by its id', () => {
    expectRequest(
      metadataRequest,
      12,
      { topics: [{ topicId: TOPIC_ID, name: null }] },
      `
      00000023
      0003 000c 00000007 0002 6d65 00
      02 00112233445566778899aabbccddeeff 00 00    ; id, null, tagged fields
      01 00                                        ; auto-creation, authorized operations
      00
    `,
    );
  });

  it('v12 answers', () => {
    const body = {
      throttleTimeMs: 0,
      brokers: [{ nodeId: 1, host: 'h', port: 9092, rack: 'r' }],
      clusterId: 'c',
      controllerId: 1,
      topics: [
        {
          errorCode: ErrorCode.NONE,
          name: 't',
          topicId: TOPIC_ID,
          partitions: [
            {
              errorCode: ErrorCode.NONE,
              partitionIndex: 0,
              leaderId: 1,
              leaderEpoch: 3,
              replicaNodes: [1],
              isrNodes: [1],
            },
          ],
        },
      ],
    };
    expectResponse(
      metadataResponse,
      12,
      body,
      `
      00000054
      00000007 00                                  ; the header's tagged fields
      00000000
      02 00000001 02 68 00002384 02 72 00
      02 63
      00000001
      02 0000 02 74 00112233445566778899aabbccddeeff 00
      02 0000 00000000 00000001 00000003           ; partitions
      02 00000001  02 00000001  01  00             ; replicas, isr, offline, tagged fields
      80000000 00                                  ; nobody asked for authorized operations
      00
    `,
    );
  });
});

const someRecords = Uint8Array.of(0xca, 0xfe, 0xba, 0xbe);

describe('Produce', () => {
  const body = {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1500,
    topicData: [{ name: 't', partitionData: [{ index: 2, records: someRecords }] }],
  };

  it('v3 asks', () => {
    expectRequest(
      produceRequest,
      3,
      body,
      `
      0000002b
      0000 0003 00000007 0002 6d65
      ffff ffff 000005dc                           ; no transactional id, acks, timeout
      00000001 0001 74
      00000001 00000002 00000004 cafebabe
    `,
    );
  });

  it('v9 asks', () => {
    expectRequest(
      produceRequest,
      9,
      body,
      `
      00000024
      0000 0009 00000007 0002 6d65 00
      00 ffff 000005dc
      02 02 74
      02 00000002 05 cafebabe 00 00                ; partition's, topic's
      00
    `,
    );
  });

  it('v3 answers', () => {
    const partitionResponses = [
      { index: 2, errorCode: ErrorCode.NONE, baseOffset: 2 ** 33, logAppendTimeMs: -1 },
    ];
    expectResponse(
      produceResponse,
      3,
      { responses: [{ name: 't', partitionResponses }] },
      `
      00000029
      00000007
      00000001 0001 74
      00000001 00000002 0000 0000000200000000 ffffffffffffffff
      00000000                                     ; throttle time comes last
    `,
    );
  });

  it('v10 answers with the leader to turn to, in a tagged struct', () => {
    const partitionResponses = [
      {
        index: 0,
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        baseOffset: -1,
        currentLeader: { leaderId: 4, leaderEpoch: 9 },
      },
    ];
    const answer = {
      responses: [{ name: 't', partitionResponses }],
      nodeEndpoints: [{ nodeId: 4, host: 'h', port: 1, rack: null }],
    };
    expectResponse(
      produceResponse,
      10,
      answer,
      `
      0000004a
      00000007 00
      02 02 74
      02 00000000 0006 ffffffffffffffff ffffffffffffffff ffffffffffffffff
      01 00                                        ; no record errors, no message
      01 00 09  00000004 00000009 00               ; tag 0, 9 bytes: the leader
      00                                           ; topic's tagged fields
      00000000
      01 00 0d  02 00000004 02 68 00000001 00 00   ; tag 0, 13 bytes: where it is
    `,
    );
  });
});

describe('Fetch', () => {
  it('v4 asks', () => {
    const body = {
      replicaId: -1,
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 1024,
      isolationLevel: 1,
      topics: [
        { topic: 't', partitions: [{ partition: 1, fetchOffset: 5, partitionMaxBytes: 9 }] },
      ],
    };
    expectRequest(
      fetchRequest,
      4,
      body,
      `
      00000038
      0001 0004 00000007 0002 6d65
      ffffffff 000001f4 00000001 00000400 01
      00000001 0001 74
      00000001 00000001 0000000000000005 00000009
    `,
    );
  });

  it('v4 answers', () => {
    const partition = {
      partitionIndex: 1,
      errorCode: ErrorCode.NONE,
      highWatermark: 6,
      lastStableOffset: 5,
      abortedTransactions: [{ producerId: 3, firstOffset: 4 }],
      records: someRecords,
    };
    expectResponse(
      fetchResponse,
      4,
      { responses: [{ topic: 't', partitions: [partition] }] },
      `
      00000045
      00000007
      00000000
      00000001 0001 74
      00000001 00000001 0000 0000000000000006 0000000000000005
      00000001 0000000000000003 0000000000000004
      00000004 cafebabe
    `,
    );
  });

  it('v12 asks, the cluster id in front under a tag at the end', () => {
    const body = {
      clusterId: 'c',
      replicaId: 2,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1024,
      sessionId: 8,
      sessionEpoch: 1,
      topics: [
        {
          topic: 't',
          partitions: [
            {
              partition: 1,
              currentLeaderEpoch: 3,
              fetchOffset: 5,
              lastFetchedEpoch: 2,
              logStartOffset: 0,
              partitionMaxBytes: 9,
            },
          ],
        },
      ],
      forgottenTopicsData: [{ topic: 'u', partitions: [0] }],
    };
    expectRequest(
      fetchRequest,
      12,
      body,
      `
      0000005b
      0001 000c 00000007 0002 6d65 00
      00000002 00000000 00000000 00000400 00
      00000008 00000001                            ; session
      02 02 74
      02 00000001 00000003 0000000000000005 00000002 0000000000000000 00000009 00
      00
      02 02 75 02 00000000 00                      ; forgotten
      01                                           ; no rack
      01 00 02 02 63                               ; tag 0, 2 bytes
    `,
    );
  });

  it('v12 answers with a divergence', () => {
    const partition = {
      partitionIndex: 1,
      errorCode: ErrorCode.NONE,
      highWatermark: -1,
      lastStableOffset: -1,
      logStartOffset: 0,
      divergingEpoch: { epoch: 2, endOffset: 100 },
      abortedTransactions: null,
      records: null,
    };
    const body = { sessionId: 8, responses: [{ topic: 't', partitions: [partition] }] };
    expectResponse(
      fetchResponse,
      12,
      body,
      `
      00000049
      00000007 00
      00000000 0000 00000008
      02 02 74
      02 00000001 0000 ffffffffffffffff ffffffffffffffff 0000000000000000
      00 ffffffff 00                               ; no transactions, no nearer replica, no records
      01 00 0d  00000002 0000000000000064 00       ; tag 0, 13 bytes
      00
      00
    `,
    );
  });
});

describe('JoinGroup', () => {
  const metadata = Uint8Array.of(1);
  const body = {
    groupId: 'g',
    sessionTimeoutMs: 10,
    rebalanceTimeoutMs: 20,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata }],
  };

  it('v5 asks', () => {
    expectRequest(
      joinGroupRequest,
      5,
      body,
      `
      00000035
      000b 0005 00000007 0002 6d65
      0001 67
      0000000a 00000014
      0000 ffff                                    ; no member id yet, no instance
      0008 636f6e73756d6572
      00000001 0005 72616e6765 00000001 01
    `,
    );
  });

  it('v9 asks', () => {
    expectRequest(
      joinGroupRequest,
      9,
      { ...body, reason: 'r' },
      `
      0000002f
      000b 0009 00000007 0002 6d65 00
      02 67
      0000000a 00000014
      01 00
      09 636f6e73756d6572
      02 06 72616e6765 02 01 00
      02 72
      00
    `,
    );
  });

  it('v5 answers', () => {
    const answer = {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      generationId: 3,
      protocolName: 'p',
      leader: 'm',
      memberId: 'm',
      members: [{ memberId: 'm', groupInstanceId: 'i', metadata }],
    };
    expectResponse(
      joinGroupResponse,
      5,
      answer,
      `
      00000026
      00000007
      00000000 0000 00000003
      0001 70 0001 6d 0001 6d
      00000001 0001 6d 0001 69 00000001 01
    `,
    );
  });

  it('v9 sends a new member back with its id', () => {
    const answer = {
      errorCode: ErrorCode.MEMBER_ID_REQUIRED,
      protocolName: null,
      leader: '',
      memberId: 'm',
      members: [],
    };
    expectResponse(
      joinGroupResponse,
      9,
      answer,
      `
      00000017
      00000007 00
      00000000 004f ffffffff                       ; generation -1
      00 00 01 00                                  ; protocol type and name, leader, skip
      02 6d
      01
      00
    `,
    );
  });
});
