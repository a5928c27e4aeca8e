import { describe, expect, it } from 'vitest';
import { Scheduler } from '../time/scheduler.ts';
import { Trace } from '../trace.ts';
import { checkFinalLog } from './final-log.ts';
import { GroupCheck } from './group.ts';
import { History, decodeValue, encodeValue, type PartitionHistory } from './history.ts';
import { ObservedRules } from './observed.ts';
import { ReaderCheck } from './reader.ts';
import { TopicsCheck } from './topics.ts';

/** A history in which one producer has sent so many, and all were acknowledged in order. */
const acknowledged = (count: number) => {
  const history = new History(new Scheduler(new Trace()));
  const partition = history.partition('c', 't', 0);
  for (let n = 0; n < count; n += 1)
    history.acknowledged(partition, history.invoked(partition, 1, n), n);
  return { history, partition };
};
const finalRule = (
  { history, partition }: { history: History; partition: PartitionHistory },
  log: readonly string[],
): string | undefined => {
  checkFinalLog(history, partition, 0, log);
  return history.violation?.rule;
};

describe('the final log', () => {
  it('with all that was acknowledged, and what was not answered, is well', () => {
    const told = acknowledged(3);
    told.history.unknown(told.history.invoked(told.partition, 1, 3));
    told.history.unknown(told.history.invoked(told.partition, 1, 4));
    expect(finalRule(told, ['1.0', '1.1', '1.2', '1.4'])).toBe(undefined);
  });

  it('finds a lost write', () => {
    expect(finalRule(acknowledged(3), ['1.0', '1.1'])).toBe('lost-write');
  });

  it('finds a duplicate', () => {
    const told = acknowledged(2);
    told.history.unknown(told.history.invoked(told.partition, 1, 2));
    expect(finalRule(told, ['1.0', '1.1', '1.2', '1.2'])).toBe('duplicate');
  });

  it('finds a producer’s records out of order', () => {
    const told = acknowledged(1);
    for (const n of [1, 2]) told.history.unknown(told.history.invoked(told.partition, 1, n));
    expect(finalRule(told, ['1.0', '1.2', '1.1'])).toBe('nonmonotonic-send');
  });

  it('finds what nobody sent', () => {
    expect(finalRule(acknowledged(1), ['1.0', '9.9'])).toBe('phantom');
  });

  it('finds that somebody has read what is not there', () => {
    const told = acknowledged(1);
    told.history.unknown(told.history.invoked(told.partition, 1, 1));
    told.history.polled(told.partition, 1, '1.1', 'reader');
    expect(finalRule(told, ['1.0'])).toBe('lost-read');
  });
});

describe('a history', () => {
  it('finds two values at one offset', () => {
    const { history, partition } = acknowledged(2);
    history.polled(partition, 1, '1.0', 'reader');
    expect(history.violation).toMatchObject({ rule: 'inconsistent-offset' });
    expect(history.violation?.text).toContain('c/t-0@1 is 1.1');
  });

  it('keeps the first violation: others follow from it', () => {
    const { history, partition } = acknowledged(1);
    history.polled(partition, 5, '8.8', 'reader');
    history.polled(partition, 0, '1.5', 'reader');
    expect(history.violation?.rule).toBe('phantom');
  });

  it('carries values in bytes of any length', () => {
    for (const padding of [0, 1, 80])
      expect(decodeValue(encodeValue('12.345', padding))).toBe('12.345');
  });
});

describe('a reader', () => {
  const rule = (offsets: readonly number[]): string | undefined => {
    const { history, partition } = acknowledged(6);
    const reader = new ReaderCheck(history, 'r');
    for (const at of offsets) reader.polled(partition, at, `1.${at}`);
    return history.violation?.rule;
  };

  it('that is given every offset once is well', () => {
    expect(rule([2, 3, 4])).toBe(undefined);
  });
  it('is not given one again', () => {
    expect(rule([2, 3, 3])).toBe('nonmonotonic-poll');
  });
  it('is not led past one', () => {
    expect(rule([2, 4])).toBe('skipped-poll');
  });
});

describe('a group', () => {
  const group = () => {
    const { history, partition } = acknowledged(10);
    const check = new GroupCheck(history, 'g');
    const read = (upTo: number): void => {
      for (let at = 0; at < upTo; at += 1) check.read(partition, at);
    };
    const commit = (at: number, floor = check.commitInvoked(partition, at)): void =>
      check.commitAcknowledged(partition, at, floor, 'm');
    return { check, partition, read, commit, rule: () => history.violation?.rule };
  };

  it('that commits what it has read is well', () => {
    const { check, partition, read, commit, rule } = group();
    check.assigned(partition, 1, 'm');
    check.assigned(partition, 2, 'other');
    read(4);
    commit(2);
    commit(4);
    check.begins(partition, 4, 4, 'other');
    check.checkFinal(partition, 4, 0);
    expect(rule()).toBe(undefined);
  });

  it('has one owner of a partition in a generation', () => {
    const { check, partition, rule } = group();
    check.assigned(partition, 3, 'm');
    check.assigned(partition, 3, 'other');
    expect(rule()).toBe('two-owners');
  });

  it('does not commit less than was committed', () => {
    const { read, commit, rule } = group();
    read(5);
    commit(5);
    commit(3);
    expect(rule()).toBe('commit-went-back');
  });

  it('may have two commits under way at once', () => {
    const { check, partition, read, commit, rule } = group();
    read(5);
    const floor = check.commitInvoked(partition, 3);
    commit(5);
    commit(3, floor);
    expect(rule()).toBe(undefined);
  });

  it('begins no earlier than the last commit', () => {
    const { check, partition, rule } = group();
    check.begins(partition, 2, 4, 'm');
    expect(rule()).toBe('commit-went-back');
  });

  it('does not forget a commit', () => {
    const { check, partition, read, commit, rule } = group();
    read(5);
    commit(5);
    check.checkFinal(partition, 4, 0);
    expect(rule()).toBe('commit-went-back');
  });

  it('does not invent one', () => {
    const { check, partition, read, commit, rule } = group();
    read(9);
    commit(5);
    check.checkFinal(partition, 6, 0);
    expect(rule()).toBe('commit-beyond-read');
  });

  it('passes over nothing', () => {
    const { check, partition, read, commit, rule } = group();
    read(3);
    commit(5);
    check.checkFinal(partition, 5, 0);
    expect(rule()).toBe('unread-commit');
  });
});

describe('topics', () => {
  const rule = (topics: readonly string[], act: (check: TopicsCheck) => void) => {
    const history = new History(new Scheduler(new Trace()));
    const check = new TopicsCheck(history, 'c');
    act(check);
    check.checkFinal(new Set(topics));
    return history.violation?.rule;
  };

  it('are there when they were made, and are not when they were deleted', () => {
    const act = (check: TopicsCheck): void => {
      for (const name of ['a', 'b', 'c']) check.created(name);
      check.deletionInvoked('b');
      check.deleted('b');
      check.deletionInvoked('c');
    };
    expect(rule(['a', 'c', 'of others'], act)).toBe(undefined);
    expect(rule(['a'], act)).toBe(undefined);
    expect(rule(['c'], act)).toBe('lost-topic');
    expect(rule(['a', 'b'], act)).toBe('deleted-topic-returned');
  });
});

describe('what is seen within the brokers', () => {
  const batchOf = (crc: number, epoch = 1): Uint8Array => {
    const bytes = new Uint8Array(61);
    new DataView(bytes.buffer).setUint32(17, crc);
    new DataView(bytes.buffer).setInt32(12, epoch);
    return bytes;
  };
  const facts = (nodeId: number, leaderEpoch = 1) => ({
    nodeId,
    topic: 't',
    partition: 0,
    leaderEpoch,
  });
  const seen = (tell: (rules: ObservedRules) => void): string | undefined => {
    const history = new History(new Scheduler(new Trace()));
    tell(new ObservedRules(history, 'c'));
    return history.violation?.rule;
  };
  const append = (
    rules: ObservedRules,
    nodeId: number,
    baseOffset: number,
    crc: number,
    epoch = 1,
  ) => {
    const nextOffset = baseOffset + 3;
    rules.logAppended({ ...facts(nodeId), baseOffset, nextOffset, batch: batchOf(crc, epoch) });
    rules.logFlushed({ ...facts(nodeId), flushedOffset: nextOffset });
  };
  const leads = (rules: ObservedRules, nodeId: number, epoch = 1, logEndOffset = 0) =>
    rules.leaderBecame({ ...facts(nodeId, epoch), logEndOffset });
  const commits = (rules: ObservedRules, nodeId: number, highWatermark: number, isLeader = true) =>
    rules.highWatermarkMoved({ ...facts(nodeId), highWatermark, isLeader });
  const registers = (
    rules: ObservedRules,
    partitionEpoch: number,
    isr: readonly number[],
    { leaderEpoch = 1, elr = [] as readonly number[], by = 1 } = {},
  ) =>
    rules.isrChanged({
      ...facts(by, leaderEpoch),
      partitionEpoch,
      leader: isr[0] ?? -1,
      isr,
      elr,
      isUnclean: false,
    });

  it('is well while replicas follow their leader', () => {
    expect(
      seen((rules) => {
        registers(rules, 0, [1, 2]);
        leads(rules, 1);
        for (const node of [1, 2]) append(rules, node, 0, 7);
        for (const node of [1, 2]) commits(rules, node, 3, node === 1);
        append(rules, 1, 3, 8);
        registers(rules, 1, [2], { leaderEpoch: 2, elr: [1] });
        leads(rules, 2, 2, 3);
        append(rules, 2, 3, 9, 2);
        rules.logTruncated({ ...facts(1), toOffset: 3, highWatermark: 3 });
        append(rules, 1, 3, 9, 2);
        registers(rules, 2, [2, 1], { leaderEpoch: 2 });
        commits(rules, 2, 6);
        commits(rules, 1, 6, false);
      }),
    ).toBe(undefined);
  });

  it('finds two leaders of an epoch', () => {
    expect(
      seen((rules) => {
        leads(rules, 1);
        leads(rules, 2);
      }),
    ).toBe('two-leaders');
  });

  it('finds what was written twice in an epoch', () => {
    expect(
      seen((rules) => {
        append(rules, 1, 0, 7);
        rules.logOpened({ ...facts(1), logStartOffset: 0, logEndOffset: 0 });
        append(rules, 1, 0, 8);
      }),
    ).toBe('two-leaders');
  });

  it('finds a high watermark that goes back, unless the log was opened anew', () => {
    const goesBack = (isRestarted: boolean) =>
      seen((rules) => {
        append(rules, 1, 0, 7);
        append(rules, 1, 3, 8);
        commits(rules, 1, 6);
        if (isRestarted) rules.logOpened({ ...facts(1), logStartOffset: 0, logEndOffset: 6 });
        commits(rules, 1, 3);
      });
    expect(goesBack(false)).toBe('high-watermark-went-back');
    expect(goesBack(true)).toBe(undefined);
  });

  it('finds a high watermark above the end of the log', () => {
    expect(seen((rules) => commits(rules, 1, 1))).toBe('beyond-the-log');
  });

  it('finds a cut below the high watermark', () => {
    expect(
      seen((rules) => rules.logTruncated({ ...facts(1), toOffset: 4, highWatermark: 5 })),
    ).toBe('truncated-committed');
  });

  it('finds a cut of what is committed, though who cuts does not know it yet', () => {
    const cutsTo = (toOffset: number) =>
      seen((rules) => {
        for (const node of [1, 2]) append(rules, node, 0, 7);
        append(rules, 1, 3, 8);
        append(rules, 2, 3, 9, 2);
        commits(rules, 1, 6);
        rules.logTruncated({ ...facts(2), toOffset, highWatermark: 0 });
      });
    expect(cutsTo(3)).toBe(undefined);
    expect(cutsTo(0)).toBe('truncated-committed');
  });

  it('finds replicas that differ below their high watermarks, and not above them', () => {
    const differ = (highWatermark: number) =>
      seen((rules) => {
        for (const node of [1, 2]) append(rules, node, 0, 7);
        append(rules, 1, 3, 8);
        append(rules, 2, 3, 9, 2);
        commits(rules, 1, 6);
        commits(rules, 2, highWatermark, false);
      });
    expect(differ(3)).toBe(undefined);
    expect(differ(6)).toBe('replicas-differ');
  });

  it('finds a member of the ISR, or one that is eligible, without what is committed', () => {
    const committedWith = (isr: readonly number[], elr: readonly number[]) =>
      seen((rules) => {
        registers(rules, 0, isr, { elr });
        append(rules, 1, 0, 7);
        commits(rules, 1, 3);
      });
    expect(committedWith([1], [])).toBe(undefined);
    expect(committedWith([1, 2], [])).toBe('lacks-committed');
    expect(committedWith([1], [2])).toBe('lacks-committed');
  });

  it('finds an elected leader without what is committed', () => {
    expect(
      seen((rules) => {
        registers(rules, 0, [1]);
        append(rules, 1, 0, 7);
        commits(rules, 1, 3);
        registers(rules, 1, [2], { leaderEpoch: 2 });
      }),
    ).toBe('lacks-committed');
  });

  it('finds who joins before it has reached the start of the epoch', () => {
    const joinsWith = (endOffset: number) =>
      seen((rules) => {
        registers(rules, 0, [1]);
        leads(rules, 1, 1, 3);
        if (endOffset > 0) append(rules, 2, 0, 7);
        registers(rules, 1, [1, 2]);
      });
    expect(joinsWith(0)).toBe('joined-too-early');
    expect(joinsWith(3)).toBe(undefined);
  });

  it('finds an acknowledgement by too few, and one of what is not committed', () => {
    const acknowledges = (isr: readonly number[], nextOffset: number) =>
      seen((rules) => {
        append(rules, 1, 0, 7);
        commits(rules, 1, 3);
        rules.acknowledged({ ...facts(1), nextOffset, isr, minInsyncReplicas: 2 });
      });
    expect(acknowledges([1, 2], 3)).toBe(undefined);
    expect(acknowledges([1], 3)).toBe('acknowledged-by-too-few');
    expect(acknowledges([1, 2], 4)).toBe('acknowledged-uncommitted');
  });

  it('finds metadata that goes back, unless the node has started anew', () => {
    const goesBack = (isRestarted: boolean) =>
      seen((rules) => {
        registers(rules, 0, [1]);
        registers(rules, 1, [1], { by: 2 });
        registers(rules, 1, [1]);
        if (isRestarted) rules.nodeStarts(1);
        registers(rules, 0, [1]);
      });
    expect(goesBack(false)).toBe('metadata-went-back');
    expect(goesBack(true)).toBe(undefined);
  });

  it('knows whom the cluster can lose with its disk', () => {
    seen((rules) => {
      registers(rules, 0, [1, 2]);
      expect(rules.canLose(1)).toBe(false);
      expect(rules.canLose(3)).toBe(true);
      registers(rules, 1, [2], { elr: [1] });
      expect(rules.canLose(1)).toBe(false);
      registers(rules, 2, [2]);
      expect(rules.canLose(1)).toBe(true);
      registers(rules, 3, []);
      expect(rules.canLose(1)).toBe(false);
    });
  });

  it('finds metadata that is committed by a minority, or as of an older epoch, or told twice', () => {
    const metadata = { topic: '__cluster_metadata', partition: 0 };
    const commitsOn = (nodes: readonly number[], leaderEpoch: number) => {
      const history = new History(new Scheduler(new Trace()));
      const rules = new ObservedRules(history, 'c', [1, 2, 3]);
      for (const nodeId of nodes) {
        const at = { ...metadata, nodeId };
        rules.logAppended({ ...at, baseOffset: 0, nextOffset: 1, batch: batchOf(7) });
        rules.logFlushed({ ...at, flushedOffset: 1 });
      }
      const facts = { ...metadata, nodeId: 1, leaderEpoch, highWatermark: 1, isLeader: true };
      rules.highWatermarkMoved(facts);
      return history.violation?.rule;
    };
    expect(commitsOn([1, 2], 1)).toBe(undefined);
    expect(commitsOn([1], 1)).toBe('committed-by-too-few');
    expect(commitsOn([1, 2], 2)).toBe('committed-by-too-few');
    const tells = (isRestarted: boolean) =>
      seen((rules) => {
        rules.metadataApplied({ nodeId: 1, offset: 4 });
        if (isRestarted) rules.nodeStarts(1);
        rules.metadataApplied({ nodeId: 1, offset: 4 });
      });
    expect(tells(false)).toBe('metadata-went-back');
    expect(tells(true)).toBe(undefined);
  });

  it('finds two votes in an epoch', () => {
    expect(
      seen((rules) => {
        const vote = { nodeId: 3, incarnation: 'x', epoch: 4 };
        rules.voteGranted({ ...vote, candidateId: 1 });
        rules.voteGranted({ ...vote, candidateId: 1 });
        rules.voteGranted({ ...vote, incarnation: 'y', candidateId: 2 });
      }),
    ).toBe('two-votes');
  });
});
