import { ErrorCode, ZERO_UUID } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { AppendQueue } from './append-queue.ts';
import type { CoordinatorRecord } from './records/records.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

function record(offset: number): CoordinatorRecord {
  const value = {
    offset,
    leaderEpoch: -1,
    metadata: '',
    commitTimestampMs: 0,
    expireTimestampMs: -1,
    topicId: ZERO_UUID,
  };
  return { type: 'offsetCommit', groupId: 'g', topic: 't', partition: 0, value };
}

/** A queue over a log that answers when it is told to, and the transcript of what happened. */
function queueOverSlowLog(inFlightMax = 100) {
  const clock = new VirtualClock();
  const transcript: string[] = [];
  const answers: ((errorCode: ErrorCode) => void)[] = [];
  const queue = new AppendQueue({
    clock,
    append: () => new Promise((resolve) => answers.push(resolve)),
    replay: (replayed) =>
      transcript.push(`replay ${(replayed.value as { offset: number }).offset}`),
    inFlightMax: () => inFlightMax,
    timeoutMs: () => 5_000,
  });
  const append = (offset: number): void =>
    queue.append([record(offset)], (errorCode) =>
      transcript.push(`${offset} settled with ${errorCode}`),
    );
  return { clock, transcript, answers, queue, append };
}

describe('the queue of appends', () => {
  it('replays and tells in the order of the log, whichever answer comes first', async () => {
    const { clock, transcript, answers, append } = queueOverSlowLog();
    append(1);
    append(2);
    answers[1]!(ErrorCode.NONE);
    await clock.settle();
    expect(transcript).toEqual([]);
    answers[0]!(ErrorCode.NONE);
    await clock.settle();
    expect(transcript).toEqual(['replay 1', '1 settled with 0', 'replay 2', '2 settled with 0']);
  });

  it('replays nothing that is not in the log', async () => {
    const { clock, transcript, answers, append } = queueOverSlowLog();
    append(1);
    answers[0]!(ErrorCode.NOT_ENOUGH_REPLICAS);
    await clock.settle();
    expect(transcript).toEqual(['1 settled with 19']);
  });

  it('lets a barrier wait for what was before it', async () => {
    const { clock, transcript, answers, append, queue } = queueOverSlowLog();
    queue.barrier(() => transcript.push('nothing to wait for'));
    await clock.settle();
    append(1);
    queue.barrier(() => transcript.push('barrier'));
    append(2);
    await clock.settle();
    expect(transcript).toEqual(['nothing to wait for']);
    answers[0]!(ErrorCode.NONE);
    await clock.settle();
    expect(transcript.slice(1)).toEqual(['replay 1', '1 settled with 0', 'barrier']);
  });

  it('tells of a timeout, and replays what is committed after it all the same', async () => {
    const { clock, transcript, answers, append } = queueOverSlowLog();
    append(1);
    await clock.advance(3_000);
    append(2);
    await clock.advance(2_000);
    expect(transcript).toEqual(['1 settled with 7']);
    answers[0]!(ErrorCode.NONE);
    await clock.advance(2_999);
    expect(transcript).toEqual(['1 settled with 7', 'replay 1']);
    await clock.advance(1);
    expect(transcript.at(-1)).toBe('2 settled with 7');
  });

  it('takes so many and no more', async () => {
    const { clock, transcript, answers, append } = queueOverSlowLog(1);
    append(1);
    append(2);
    expect(answers).toHaveLength(1);
    answers[0]!(ErrorCode.NONE);
    await clock.settle();
    expect(transcript).toEqual(['replay 1', '1 settled with 0', '2 settled with 15']);
  });

  it('tells everybody when it closes, and replays nothing afterwards', async () => {
    const { clock, transcript, answers, append, queue } = queueOverSlowLog();
    append(1);
    queue.close(ErrorCode.NOT_COORDINATOR);
    expect(transcript).toEqual(['1 settled with 16']);
    answers[0]!(ErrorCode.NONE);
    append(2);
    expect(answers).toHaveLength(1);
    await clock.settle();
    expect(transcript).toEqual(['1 settled with 16', '2 settled with 16']);
    expect(clock.pendingTimers).toBe(0);
  });
});
