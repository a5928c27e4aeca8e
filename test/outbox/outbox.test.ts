/** What is appended while the server cannot be reached reaches it once and in order, and each record's fate is told. */
import { cp, rm } from 'node:fs/promises';
import { Admin } from '@odradek/client';
import { OutboxFull } from '@odradek/client/outbox';
import { describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { TwoWorlds, text } from './two-worlds.ts';

const numbers = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => String(from + n));

describe('an outbox', () => {
  it('takes records without a server, and sends them when there is one', async () => {
    await using worlds = await TwoWorlds.start();
    await new Admin(worlds.toServer()).createTopic({ name: 'orders', partitions: 3 });
    worlds.proxy.cut();
    const outbox = await worlds.outbox();
    const sender = worlds.sender();
    const appended = await Promise.all(
      numbers(0, 300).map((n) => outbox.append('orders', { key: text(n), value: text(n) })),
    );
    await until(() => outbox.getSnapshot().pending === 300);
    expect(outbox.getSnapshot().oldestTimestampMs).toBeGreaterThan(0);
    await until(() => sender.actor.getSnapshot().matches('pending'));
    expect(outbox.fateOf(appended[7]!)).toEqual({ state: 'pending' });

    worlds.proxy.heal();
    sender.reachable();
    await outbox.flush();
    const found = await worlds.read('orders');
    expect([...found.values()].flat().sort()).toEqual(numbers(0, 300).sort());
    for (const values of found.values())
      expect(values).toEqual(values.toSorted((a, b) => Number(a) - Number(b)));
    const fate = await outbox.settled(appended[7]!);
    if (fate.state !== 'sent') throw new Error(fate.state);
    expect(found.get(fate.partition)![fate.offset]).toBe('7');
    expect(outbox.getSnapshot()).toMatchObject({ pending: 0, pendingBytes: 0, sent: 300 });
    await sender.close();
  });

  it('keeps keys, headers, times, empty values and tombstones', async () => {
    await using worlds = await TwoWorlds.start();
    await new Admin(worlds.toServer()).createTopic({ name: 'kinds', partitions: 2 });
    const outbox = await worlds.outbox();
    await using _sender = worlds.sender();
    await outbox.append('kinds', {
      key: text('k'),
      value: null,
      partition: 1,
      timestampMs: 1_234_567_890_123,
      headers: [
        { key: 'h', value: text('v') },
        { key: 'none', value: null },
      ],
    });
    await outbox.append('kinds', { value: new Uint8Array(0), partition: 1 });
    await outbox.flush();
    const { readTopic } = await import('@odradek/client');
    const records = [];
    for await (const some of readTopic(worlds.toServer(), {
      topic: 'kinds',
      from: { at: 'earliest' },
      until: { at: 'latest' },
    }))
      records.push(...some);
    expect(records).toMatchObject([
      {
        partition: 1,
        key: text('k'),
        value: null,
        timestampMs: 1_234_567_890_123,
        headers: [
          { key: 'h', value: text('v') },
          { key: 'none', value: null },
        ],
      },
      { partition: 1, key: null, value: new Uint8Array(0) },
    ]);
  });

  it('goes on after its sender was killed in the midst of anything, and the server with it', async () => {
    await using worlds = await TwoWorlds.start();
    await new Admin(worlds.toServer()).createTopic({ name: 'board', partitions: 2 });
    const tabs = [await worlds.outbox(), await worlds.outbox()];
    let appended = 0;
    for (let cycle = 0; cycle < 20; cycle++) {
      const sender = worlds.sender();
      const work = tabs.map(async (tab, index) => {
        for (const n of numbers(cycle * 50, 50)) {
          await tab.append('board', { key: text(`tab ${index}`), value: text(`${index}:${n}`) });
          appended += 1;
        }
      });
      if (cycle % 3 === 0) setTimeout(() => worlds.proxy.cut(), (cycle * 7) % 40);
      await Promise.all(work);
      await new Promise((resolve) => setTimeout(resolve, (cycle * 13) % 60));
      // Whatever it was doing: nothing is waited for.
      void sender.close();
      worlds.proxy.heal();
      if (cycle % 5 === 4) {
        await worlds.server.stop();
        await worlds.startServer();
      }
    }
    await using _last = worlds.sender();
    await tabs[0]!.flush();
    const values = [...(await worlds.read('board')).values()].flat();
    expect(values.length).toBe(appended);
    for (const index of [0, 1])
      expect(values.filter((value) => value.startsWith(`${index}:`))).toEqual(
        numbers(0, 1000).map((n) => `${index}:${n}`),
      );
    expect(tabs[1]!.getSnapshot().notices).toEqual([]);
  });

  it('survives the local broker, too', async () => {
    await using worlds = await TwoWorlds.start();
    await new Admin(worlds.toServer()).createTopic({ name: 'later', partitions: 1 });
    worlds.proxy.cut();
    const before = await worlds.outbox();
    for (const n of numbers(0, 20)) await before.append('later', { value: text(n) });
    await before.close();
    await worlds.local.stop();
    await worlds.startLocal();
    const after = await worlds.outbox();
    expect(after.getSnapshot().pending).toBe(20);
    for (const n of numbers(20, 20)) await after.append('later', { value: text(n) });
    worlds.proxy.heal();
    await using _sender = worlds.sender();
    await after.flush();
    expect((await worlds.read('later')).get(0)).toEqual(numbers(0, 40));
  });

  it('keeps what the server refuses, says why, and sends it again on demand', async () => {
    await using worlds = await TwoWorlds.start();
    const admin = new Admin(worlds.toServer());
    await admin.createTopic({
      name: 'small',
      partitions: 1,
      configs: { 'max.message.bytes': '2000' },
    });
    const outbox = await worlds.outbox();
    await using _sender = worlds.sender({ missingTopicMs: 100 });
    const large = await outbox.append('small', { key: text('k'), value: new Uint8Array(5000) });
    const lost = await outbox.append('nowhere', { value: text('x') });
    const beyond = await outbox.append('small', { value: text('x'), partition: 7 });
    for (const n of numbers(0, 100)) await outbox.append('small', { value: text(n) });
    await outbox.flush();
    expect((await worlds.read('small')).get(0)).toEqual(numbers(0, 100));
    expect(outbox.fateOf(large)).toMatchObject({
      state: 'refused',
      errorName: 'MESSAGE_TOO_LARGE',
    });
    expect(outbox.fateOf(lost)).toMatchObject({ errorName: 'UNKNOWN_TOPIC_OR_PARTITION' });
    expect(outbox.fateOf(beyond)).toMatchObject({
      reason: 'small has 1 partitions, and no partition 7',
    });
    expect(outbox.getSnapshot()).toMatchObject({ pending: 0, refused: 3, sent: 100 });

    const letters = await outbox.refused();
    expect(letters.map(({ topic }) => topic).sort()).toEqual(['nowhere', 'small', 'small']);
    const letter = letters.find(({ errorName }) => errorName === 'MESSAGE_TOO_LARGE')!;
    await admin.alterConfig({ topic: 'small' }, { 'max.message.bytes': '100000' });
    const again = await outbox.resend(letter);
    expect(await outbox.settled(again)).toMatchObject({ state: 'sent', offset: 100 });
    expect((await outbox.refused()).length).toBe(2);
  });

  it('says that a server was restored from a backup, and sends again what it still holds', async () => {
    await using worlds = await TwoWorlds.start();
    await new Admin(worlds.toServer()).createTopic({ name: 'ledger', partitions: 1 });
    const outbox = await worlds.outbox();
    await using sender = worlds.sender();
    for (const n of numbers(0, 10)) await outbox.append('ledger', { value: text(n) });
    await outbox.flush();
    await worlds.server.stop();
    const backup = `${worlds.serverFolder}-backup`;
    await cp(worlds.serverFolder, backup, { recursive: true });
    await worlds.startServer();
    for (const n of numbers(10, 10)) await outbox.append('ledger', { value: text(n) });
    await outbox.flush();
    await worlds.server.stop();
    await rm(worlds.serverFolder, { recursive: true });
    await cp(backup, worlds.serverFolder, { recursive: true });
    await rm(backup, { recursive: true });
    await worlds.startServer();
    for (const n of numbers(20, 10)) await outbox.append('ledger', { value: text(n) });
    sender.reachable();
    await outbox.flush();
    await until(() => outbox.getSnapshot().pending === 0);
    expect((await worlds.read('ledger')).get(0)).toEqual(numbers(0, 30));
    expect(outbox.getSnapshot().notices.map(({ kind }) => kind)).toEqual(['serverWentBack']);
  });

  it('says that a topic was deleted and made anew, and goes on', async () => {
    await using worlds = await TwoWorlds.start();
    const admin = new Admin(worlds.toServer());
    await admin.createTopic({ name: 'anew', partitions: 1 });
    const outbox = await worlds.outbox();
    await using _sender = worlds.sender();
    await outbox.append('anew', { value: text('1') });
    await outbox.flush();
    await admin.deleteTopic('anew');
    await admin.createTopic({ name: 'anew', partitions: 1 });
    await outbox.append('anew', { value: text('2') });
    await outbox.flush();
    expect((await worlds.read('anew')).get(0)).toEqual(['2']);
    expect(outbox.getSnapshot().notices.map(({ kind }) => kind)).toEqual(['topicRecreated']);
  });

  it('does not send to another cluster without being told to', async () => {
    await using worlds = await TwoWorlds.start();
    await new Admin(worlds.toServer()).createTopic({ name: 'home', partitions: 1 });
    const outbox = await worlds.outbox();
    await using sender = worlds.sender();
    await outbox.append('home', { value: text('1') });
    await outbox.flush();
    await worlds.server.stop();
    await rm(worlds.serverFolder, { recursive: true });
    await worlds.startServer();
    await new Admin(worlds.toServer()).createTopic({ name: 'home', partitions: 1 });
    await outbox.append('home', { value: text('2') });
    await until(() => sender.actor.getSnapshot().matches('stalled'));
    expect(sender.actor.getSnapshot().context.error).toMatchObject({ name: 'OtherCluster' });
    sender.resume({ acceptCluster: true });
    await outbox.flush();
    expect((await worlds.read('home')).get(0)).toContain('2');
    expect(outbox.getSnapshot().notices.map(({ kind }) => kind)).toContain('clusterChanged');
  });

  it('has one sender: a second one stops, or the first', async () => {
    await using worlds = await TwoWorlds.start();
    await new Admin(worlds.toServer()).createTopic({ name: 'one', partitions: 1 });
    const outbox = await worlds.outbox();
    await using first = worlds.sender();
    await outbox.append('one', { value: text('0') });
    await outbox.flush();
    await using second = worlds.sender();
    const stalled = (): boolean =>
      [first, second].some((sender) => sender.actor.getSnapshot().matches('stalled'));
    for (let n = 1; n <= 200 && !stalled(); n++)
      await outbox.append('one', { value: text(String(n)) });
    await until(stalled);
    await outbox.flush();
    const values = (await worlds.read('one')).get(0)!;
    expect(values).toEqual(numbers(0, values.length));
  });

  it('has a limit, and says so', async () => {
    await using worlds = await TwoWorlds.start();
    worlds.proxy.cut();
    const outbox = await worlds.outbox({ maxPending: 5 });
    for (const n of numbers(0, 5)) await outbox.append('any', { value: text(n) });
    await until(() => outbox.getSnapshot().pending === 5);
    await expect(outbox.append('any', { value: text('6') })).rejects.toThrow(OutboxFull);
    await expect(outbox.append('no such name!', { value: null })).rejects.toThrow(RangeError);
  });
});
