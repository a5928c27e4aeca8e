/**
 * Who gets which partitions, in KafkaJS's words: its round robin, with its name and its encoding, so that members written with KafkaJS and
 * members of this face can be in one group while an application moves; and assigners that applications bring.
 */
import { Reader, Writer } from '@odradek/protocol';
import type { Assignor } from '../consumer/assignors/assignor.ts';
import { nothingToTell } from '../consumer/assignors/assignor.ts';
import { joined } from '../consumer/assignors/sticky.ts';
import type { Cluster } from '../cluster.ts';
import { compareText } from '../consumer/topic-partition.ts';
import type {
  Assigner,
  Assignment,
  ISerializer,
  Logger,
  MemberAssignment,
  MemberMetadata,
  PartitionAssigner,
  PartitionMetadata,
} from './types.ts';

const NO_BYTES = new Uint8Array(0);

/** `version`, topics, user data. */
const memberMetadata = {
  encode({ version, topics, userData }: Partial<MemberMetadata<Uint8Array>>): Uint8Array {
    const writer = new Writer();
    writer.int16(version ?? 0);
    writer.int32(topics?.length ?? 0);
    for (const topic of topics ?? []) writer.string(topic);
    writeBytes(writer, userData ?? NO_BYTES);
    return joined(writer.finish());
  },
  decode(bytes: Uint8Array): MemberMetadata<Uint8Array> {
    const reader = new Reader(bytes);
    const version = reader.int16();
    const topics = Array.from({ length: reader.arrayLength(2, 1) }, () => readString(reader));
    return { version, topics, userData: reader.nullableBytes() ?? NO_BYTES };
  },
};

/** `version`, partitions by topic, user data. */
const memberAssignment = {
  encode({ version, assignment, userData }: Partial<MemberAssignment<Uint8Array>>): Uint8Array {
    const writer = new Writer();
    const topics = Object.entries(assignment ?? {});
    writer.int16(version ?? 0);
    writer.int32(topics.length);
    for (const [topic, partitions] of topics) {
      writer.string(topic);
      writer.int32(partitions.length);
      for (const partition of partitions) writer.int32(partition);
    }
    writeBytes(writer, userData ?? NO_BYTES);
    return joined(writer.finish());
  },
  decode(bytes: Uint8Array): MemberAssignment<Uint8Array> | null {
    // A member that gets nothing may be sent nothing at all.
    if (bytes.length < 2) return null;
    const reader = new Reader(bytes);
    const version = reader.int16();
    const assignment: Assignment = Object.fromEntries(
      Array.from({ length: reader.arrayLength(6, 1) }, () => [
        readString(reader),
        Array.from({ length: reader.arrayLength(4, 1) }, () => reader.int32()),
      ]),
    );
    return { version, assignment, userData: reader.nullableBytes() ?? NO_BYTES };
  },
};

export interface AssignerProtocolOf<B extends Uint8Array> {
  readonly MemberMetadata: ISerializer<MemberMetadata<B>, B>;
  readonly MemberAssignment: ISerializer<MemberAssignment<B>, B>;
}

/** For a host's kind of bytes. */
export const assignerProtocolFor = <B extends Uint8Array>(
  toBuffer: (bytes: Uint8Array) => B,
): AssignerProtocolOf<B> => ({
  MemberMetadata: {
    encode: (value) => toBuffer(memberMetadata.encode(value)),
    decode(bytes) {
      const decoded = memberMetadata.decode(bytes);
      return { ...decoded, userData: toBuffer(decoded.userData) };
    },
  },
  MemberAssignment: {
    encode: (value) => toBuffer(memberAssignment.encode(value)),
    decode(bytes) {
      const decoded = memberAssignment.decode(bytes);
      return decoded && { ...decoded, userData: toBuffer(decoded.userData) };
    },
  },
});

/** All partitions of the leader's topics in turn to all members, in the order of their ids. */
const roundRobin: PartitionAssigner = ({ cluster }) => ({
  name: 'RoundRobinAssigner',
  version: 0,
  assign({ members, topics }) {
    const order = members.map(({ memberId }) => memberId).sort(compareText);
    const assignments = new Map<string, Assignment>();
    let turn = 0;
    for (const topic of topics)
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        const memberId = order[turn++ % order.length]!;
        const assignment = assignments.get(memberId) ?? {};
        assignments.set(memberId, assignment);
        (assignment[topic] ??= []).push(partitionId);
      }
    return Promise.resolve(
      [...assignments].map(([memberId, assignment]) => ({
        memberId,
        memberAssignment: memberAssignment.encode({ version: 0, assignment }),
      })),
    );
  },
  protocol: ({ topics }) => ({
    name: 'RoundRobinAssigner',
    metadata: memberMetadata.encode({ version: 0, topics }),
  }),
});

export const PartitionAssigners = { roundRobin };

/** KafkaJS's kind as this client's kind. */
export function toAssignors<B extends Uint8Array>(
  assigners: readonly PartitionAssigner[],
  cluster: Cluster,
  groupId: string,
  logger: Logger,
  toBuffer: (bytes: Uint8Array) => B,
): readonly Assignor[] {
  let counts: ReadonlyMap<string, number> = new Map();
  const asked = {
    findTopicPartitionMetadata: (topic: string): PartitionMetadata[] =>
      Array.from({ length: counts.get(topic) ?? 0 }, (_, partitionId) => ({
        partitionErrorCode: 0,
        partitionId,
        leader: cluster.leaderOf(topic, partitionId) ?? -1,
        replicas: [],
        isr: [],
      })),
    getNodeIds: () => [...cluster.nodeIds],
    isConnected: () => !cluster.isClosed,
  };
  return assigners.map((create): Assignor => {
    const assigner: Assigner<B> = create({ cluster: asked, groupId, logger });
    return {
      name: assigner.name,
      isCooperative: false,
      ...nothingToTell,
      assign: () => new Map(),
      encoded: {
        subscription: (topics) => assigner.protocol({ topics: [...topics] }).metadata,
        async assign(members, topics, partitionCounts) {
          counts = partitionCounts;
          const assigned = await assigner.assign({
            members: members.map(({ memberId, metadata }) => ({
              memberId,
              memberMetadata: toBuffer(metadata),
            })),
            topics: [...topics],
          });
          return assigned.map((each) => ({
            memberId: each.memberId,
            assignment: each.memberAssignment,
          }));
        },
      },
    };
  });
}

const readString = (reader: Reader): string => reader.nullableString() ?? '';

function writeBytes(writer: Writer, bytes: Uint8Array): void {
  writer.int32(bytes.length);
  writer.raw(bytes);
}
