/**
 * An idempotent producer that outlives its broker: at most five requests are unanswered, a request that was not answered is
 * sent again with the same sequences, in the same order, to whichever broker comes next. It takes any error for a broken
 * promise: a lone broker that is up has no reason to refuse it anything.
 */
import type { Compression, CompressionName, Crc32c } from '@odradek/ports';
import { ErrorCode, buildBatch } from '@odradek/protocol';
import type { Chance } from '@odradek/protocol/testing';
import { nameOf } from '../support/steps.ts';
import { api } from '../support/wire-api.ts';
import { ConnectionGone, type WireClient } from '../support/wire-client.ts';
import { BrokenPromise, type PartitionLedger } from './ledger.ts';
import { writeValue } from './values.ts';

/** What an idempotent client may have in flight (KIP-98: the broker knows a producer's last five batches). */
const IN_FLIGHT_MAX = 5;

export interface IdempotentProducerOptions {
  /** Tells this producer's records from the others'. */
  readonly tag: number;
  readonly ledgers: readonly PartitionLedger[];
  readonly codecs: readonly (CompressionName | undefined)[];
  readonly recordsMax: number;
  readonly valueBytesMax: number;
  /** Between an answer and the next request. */
  readonly restMs: number;
  readonly chance: Chance;
  readonly crc32c: Crc32c;
  readonly compression: Compression;
  /** Producer ids that were handed out: none may come twice. */
  readonly producerIds: Set<number>;
}

interface Part {
  readonly ledger: PartitionLedger;
  readonly baseSequence: number;
  readonly count: number;
  readonly keys: readonly string[];
  readonly records: Uint8Array;
}

export class IdempotentProducer {
  readonly #options: IdempotentProducerOptions;
  #producerId = -1;
  #unanswered: (readonly Part[])[] = [];
  acknowledgedBatches = 0;
  /** Batches that were sent again and found to be there already. */
  duplicates = 0;
  resentRequests = 0;

  constructor(options: IdempotentProducerOptions) {
    this.#options = options;
  }

  /** Produces until the connection is gone. */
  async run(client: WireClient): Promise<void> {
    try {
      if (this.#producerId < 0) this.#producerId = await this.#takeId(client);
      this.resentRequests += this.#unanswered.length;
      const ends = new Map(this.#options.ledgers.map((ledger) => [ledger, ledger.highWatermark]));
      const send = async (parts: readonly Part[]): Promise<void> => {
        this.#acknowledge(parts, await this.#produce(client, parts), ends);
        this.#unanswered.shift();
      };
      // Sent in one go, so that their order is the order of the connection; answers come in it too.
      let last: Promise<void> = Promise.resolve();
      const lanes = this.#unanswered.map((parts) => (last = after(last, send(parts))));
      while (lanes.length < IN_FLIGHT_MAX) lanes.push(Promise.resolve());
      const lane = async (first: Promise<void>): Promise<void> => {
        await first;
        while (!client.isClosed) {
          await new Promise((resolve) =>
            setTimeout(resolve, this.#options.chance.below(this.#options.restMs)),
          );
          if (client.isClosed) return;
          const parts = this.#make();
          this.#unanswered.push(parts);
          last = after(last, send(parts));
          await last;
        }
      };
      await Promise.all(lanes.map(lane));
    } catch (error) {
      if (!(error instanceof ConnectionGone)) throw error;
    }
  }

  /** Sends what is unanswered, and nothing new. */
  async finish(client: WireClient): Promise<void> {
    const ends = new Map(this.#options.ledgers.map((ledger) => [ledger, ledger.highWatermark]));
    for (const parts of [...this.#unanswered]) {
      this.#acknowledge(parts, await this.#produce(client, parts), ends);
      this.#unanswered.shift();
    }
  }

  async #takeId(client: WireClient): Promise<number> {
    const answer = await client.request(api.initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
      producerId: -1,
      producerEpoch: -1,
    });
    if (answer.errorCode !== ErrorCode.NONE)
      throw new BrokenPromise(`no producer id: ${nameOf(answer.errorCode)}`);
    if (this.#options.producerIds.has(answer.producerId))
      throw new BrokenPromise(`producer id ${answer.producerId} was handed out twice`);
    this.#options.producerIds.add(answer.producerId);
    return answer.producerId;
  }

  async #produce(client: WireClient, parts: readonly Part[]) {
    const { responses } = await client.request(api.produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 30_000,
      topicData: parts.map(({ ledger, records }) => ({
        name: ledger.topic,
        partitionData: [{ index: ledger.partition, records }],
      })),
    });
    return responses.map((it) => it.partitionResponses[0]!);
  }

  #acknowledge(
    parts: readonly Part[],
    answers: readonly {
      readonly errorCode: number;
      readonly baseOffset: number;
      readonly errorMessage: string | null;
    }[],
    ends: ReadonlyMap<PartitionLedger, number>,
  ): void {
    parts.forEach((part, index) => {
      const { ledger, baseSequence } = part;
      const { errorCode, errorMessage, baseOffset } = answers[index]!;
      if (errorCode !== ErrorCode.NONE) {
        throw new BrokenPromise(
          `${ledger.name}: sequence ${baseSequence} of producer ${this.#producerId}: ${nameOf(errorCode)} ${errorMessage ?? ''}`,
        );
      }
      ledger.acknowledged(this.#producerId, part, baseOffset, part.keys);
      this.acknowledgedBatches += 1;
      if (baseOffset < ends.get(ledger)!) this.duplicates += 1;
    });
  }

  /** One batch for each of some partitions. */
  #make(): readonly Part[] {
    const { ledgers, chance } = this.#options;
    const chosen = ledgers.filter(() => chance.oneIn(2));
    return (chosen.length === 0 ? [chance.pick(ledgers)] : chosen).map((ledger) =>
      this.#batch(ledger),
    );
  }

  #batch(ledger: PartitionLedger): Part {
    const { tag, codecs, recordsMax, valueBytesMax, chance, crc32c, compression } = this.#options;
    const baseSequence = ledger.nextSequenceOf(this.#producerId, tag);
    const count = 1 + chance.below(recordsMax);
    const keys =
      ledger.keeping === 'compacted'
        ? Array.from({ length: count }, () => `${tag}-${chance.below(40)}`)
        : [];
    const codec = chance.pick(codecs);
    const records = buildBatch({
      records: Array.from({ length: count }, (_, index) => ({
        timestampMs: Date.now(),
        key: keys[index] === undefined ? null : new TextEncoder().encode(keys[index]),
        value: writeValue({ tag, sequence: baseSequence + index }, chance.below(valueBytesMax)),
      })),
      producerId: this.#producerId,
      producerEpoch: 0,
      baseSequence,
      crc32c,
      ...(codec === undefined
        ? {}
        : { compress: { codec, compress: (name, bytes) => compression.compress(name, bytes) } }),
    });
    ledger.sent(this.#producerId, tag, { baseSequence, count }, keys);
    return { ledger, baseSequence, count, keys, records };
  }
}

/** Both must succeed; the earlier one's failure is the one that is told. */
const after = async (earlier: Promise<void>, later: Promise<void>): Promise<void> => {
  later.catch(() => {});
  await earlier;
  await later;
};
