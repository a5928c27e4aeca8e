/** Everything that goes wrong by somebody's mistake has an error that says what happened and what to do, in the time that was set. */
import { describe, expect, it } from 'vitest';
import {
  BrokerError,
  Bus,
  Consumer,
  NoBrokerReachable,
  Producer,
  connect,
  topic,
} from '@odradek/client';
import type { Cluster, StandardSchema } from '@odradek/client';
import { joinGroupRequest, joinGroupResponse, utf8Encode } from '@odradek/protocol';
import type { World } from './world.ts';
import { read, reasonOf, soon, text, timed } from './world.ts';

/** What was set; and what a busy machine may take beyond it. */
const TIMEOUT_MS = 500;
const GRACE_MS = 5000;

const numberSchema: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'expected a number' }] },
  },
};

type CallableApi = Parameters<Cluster['askAny']>[0];

export function badInput(world: World): void {
  const hasty = () =>
    world.open({ requestTimeoutMs: TIMEOUT_MS, retry: { timeoutMs: TIMEOUT_MS } });
  const failsInTime = async (work: Promise<unknown>): Promise<unknown> => {
    const [reason, tookMs] = await timed(reasonOf(work));
    expect(tookMs).toBeLessThan(TIMEOUT_MS + GRACE_MS);
    expect(reason).toBeInstanceOf(Error);
    return reason;
  };
  const saying = (...parts: readonly string[]) => ({
    message: expect.stringMatching(new RegExp(parts.map(escaped).join('[^]*'))) as string,
  });

  describe('bad input:', () => {
    it('a topic that is not there', async () => {
      const name = world.unusedName();
      const expected = {
        ...saying(name, 'create it', 'mayCreateTopics', 'UNKNOWN_TOPIC_OR_PARTITION'),
        topic: name,
        retriable: false,
      };
      const cluster = hasty();
      const bus = new Bus(cluster);
      expect(await failsInTime(bus.send(name, { value: 1 }))).toMatchObject(expected);
      const reading = (async () => {
        for await (const message of bus.consume(name)) void message;
      })();
      expect(await failsInTime(reading)).toMatchObject(expected);
      await using consumer = world.member(`g-${name}`, {}, cluster);
      expect(await failsInTime(consumer.subscribe([name]))).toMatchObject(expected);
      expect(await failsInTime(world.admin.describeTopic(name))).toMatchObject(expected);
    });

    it('a partition that is not there', async () => {
      const name = await world.newTopic(2);
      await using producer = new Producer(hasty());
      expect(await failsInTime(producer.send(name, { ...text('a'), partition: 2 }))).toMatchObject({
        ...saying(`${name}-2`, 'partitions 0 to 1'),
        partition: 2,
      });
    });

    it('a record that is too large for this client', async () => {
      const name = await world.newTopic();
      await using producer = new Producer(hasty(), { requestBytesMax: 1000 });
      const tooLarge = { value: new Uint8Array(2000) };
      expect(await failsInTime(producer.send(name, tooLarge))).toMatchObject({
        name: 'RecordTooLarge',
        ...saying(name, '2024 bytes', 'requestBytesMax (1000)', 'raise'),
      });
      expect((await producer.send(name, text('small'))).offset).toBe(0);
    });

    it('a record that is too large for the broker', async () => {
      const name = await world.newTopic(1, { 'max.message.bytes': '1000' });
      await using producer = new Producer(hasty());
      const batch = Array.from({ length: 5 }, () => ({ value: new Uint8Array(400) }));
      // Together too large: they are taken apart.
      expect(await producer.send(name, batch)).toHaveLength(1);
      expect(await failsInTime(producer.send(name, { value: new Uint8Array(2000) }))).toMatchObject(
        { ...saying(name, 'max.message.bytes', 'MESSAGE_TOO_LARGE'), topic: name },
      );
      expect((await producer.send(name, text('small'))).offset).toBe(5);
    });

    it('nobody at the address', async () => {
      const brokers = '127.0.0.1:1';
      const host = world.door.host();
      const options = { requestTimeoutMs: TIMEOUT_MS, retry: { timeoutMs: TIMEOUT_MS } };
      const connecting = connect({ host, brokers, ...options });
      const reason = await failsInTime(connecting);
      expect(reason).toBeInstanceOf(NoBrokerReachable);
      expect(reason).toMatchObject(saying('no broker can be reached: 127.0.0.1:1'));
      const cluster = world.open({
        bootstrap: [{ host: '127.0.0.1', port: 1 }],
        ...options,
      });
      await using bus = new Bus(cluster, { maxBlockMs: TIMEOUT_MS });
      expect(await failsInTime(bus.send('t', { value: 1 }))).toBeInstanceOf(NoBrokerReachable);
      expect(bus.status.getSnapshot()).toMatchObject({
        connection: 'unreachable',
        lastError: expect.stringContaining('127.0.0.1:1') as string,
      });
    });

    it('somebody at the address who is not a broker', async () => {
      // The other door's: HTTP where TCP is spoken, and Kafka's protocol where a WebSocket is asked for.
      const { kafka, webSocket } = world.broker;
      const right = world.door.endpointOf(world.broker);
      const wrong = right.port === kafka.port ? webSocket : kafka;
      if (wrong.port === right.port || wrong.port === 0) return;
      const brokers = [wrong];
      const reason = await failsInTime(
        connect({
          host: world.door.host(),
          brokers,
          requestTimeoutMs: TIMEOUT_MS,
          retry: { timeoutMs: TIMEOUT_MS },
        }),
      );
      expect(reason).toMatchObject(saying('no broker can be reached', `${wrong.port}`));
      if (wrong === webSocket)
        expect(reason).toMatchObject({
          retriable: false,
          ...saying("HTTP: this is a web server's"),
        });
    });

    it('an API that the broker does not have', async () => {
      const noSuchApi = {
        request: { ...joinGroupRequest, info: { ...joinGroupRequest.info, key: 9999 } },
        response: joinGroupResponse,
        maxVersion: 9,
      } as unknown as CallableApi;
      expect(await failsInTime(hasty().askAny(noSuchApi, {}))).toMatchObject({
        name: 'UnsupportedApi',
        retriable: false,
        ...saying(`${world.door.endpointOf(world.broker).port}`, 'does not offer JoinGroup'),
      });
    });

    it('a value that does not fit its schema, sent or read', async () => {
      const name = await world.newTopic();
      const numbers = topic(name, { value: numberSchema });
      const bus = new Bus(hasty());
      const wrong = bus.send(numbers, { value: 'one' as unknown as number });
      expect(await failsInTime(wrong)).toMatchObject({
        name: 'SchemaMismatch',
        ...saying(`${name}'s value: expected a number`),
      });
      await bus.send(name, { value: 'one' });
      const reading = (async () => {
        for await (const message of bus.consume(numbers, { from: 'earliest' })) void message;
      })();
      expect(await failsInTime(reading)).toMatchObject({
        name: 'SchemaMismatch',
        ...saying(`${name}-0 at offset 0: ${name}'s value: expected a number`),
      });
      await world.fill(name, ['{']);
      const unreadable = (async () => {
        for await (const message of bus.consume(name, { from: 'earliest' })) void message;
      })();
      expect(await failsInTime(unreadable)).toMatchObject(
        saying(`${name}-0 at offset 1: ${name}'s value cannot be read`),
      );
    });

    it('a group id that belongs to something else', async () => {
      const name = await world.newTopic();
      const group = `g-${name}`;
      const cluster = hasty();
      const join = (memberId: string) =>
        cluster.askAny(
          { request: joinGroupRequest, response: joinGroupResponse, maxVersion: 5 },
          {
            groupId: group,
            sessionTimeoutMs: 6000,
            rebalanceTimeoutMs: 6000,
            memberId,
            groupInstanceId: null,
            protocolType: 'connect',
            protocols: [{ name: 'range', metadata: utf8Encode('a connector') }],
            reason: null,
          },
        );
      const { memberId } = await join('');
      expect((await join(memberId)).errorCode).toBe(0);
      await using consumer = world.member(group, { assignors: ['range'] }, cluster);
      await consumer.subscribe([name]);
      expect(await failsInTime(consumer.poll(soon()))).toMatchObject(
        saying(
          `group ${group}`,
          'no protocol type, in common',
          'another group id',
          'INCONSISTENT_GROUP_PROTOCOL',
        ),
      );
    });

    it('members that share by different rules, and one that begins nowhere', async () => {
      const name = await world.newTopic();
      await using first = world.member(`g-${name}`, { assignors: ['range'], from: 'none' });
      await first.subscribe([name]);
      expect(await failsInTime(first.poll(soon()))).toMatchObject({
        name: 'NoOffset',
        ...saying(`${name}-0`, 'no committed offset', 'seek, or choose where to begin'),
      });
      await using second = world.member(`g-${name}`, { assignors: ['roundrobin'] });
      await second.subscribe([name]);
      expect(await failsInTime(second.poll(soon()))).toMatchObject(
        saying('have no assignor', 'give it the assignors that the others use'),
      );
      expect(() => world.member('g', { assignors: ['range', 'cooperative-sticky'] })).toThrow(
        'cannot be mixed',
      );
      expect(() => new Producer(world.cluster, { idempotent: true, acks: 1 })).toThrow('acks: all');
    });

    it('a client that is closed', async () => {
      const name = await world.newTopic();
      const bus = world.bus();
      const consumer = world.member(`g-${name}`, {}, bus.cluster);
      await consumer.subscribe([name]);
      await bus.close();
      const expected = { name: 'ClientClosed', retriable: false, ...saying('closed') };
      expect(await failsInTime(bus.send(name, { value: 1 }))).toMatchObject(expected);
      expect(await failsInTime(bus.admin.listTopics())).toMatchObject(expected);
      expect(await failsInTime(consumer.poll(soon()))).toMatchObject(expected);
      const reading = (async () => {
        for await (const message of bus.consume(name)) void message;
      })();
      expect(await failsInTime(reading)).toMatchObject(expected);
      await consumer.close();
      expect(await failsInTime(consumer.poll(soon()))).toMatchObject(expected);
    });

    it('a signal that was aborted', async () => {
      const name = await world.newTopic();
      await world.fill(name, ['a']);
      const cluster = hasty();
      const gone = AbortSignal.abort(new Error('enough'));
      const expected = { name: 'ClientClosed', ...saying('given up by the caller') };
      await using consumer = world.member(`g-${name}`, {}, cluster);
      const signal = { signal: gone };
      expect(await failsInTime(consumer.subscribe([name], signal))).toMatchObject(expected);
      expect(consumer.membership).toBeUndefined();
      const place = { topic: name, partition: 0 };
      expect(await failsInTime(consumer.assign([place], signal))).toMatchObject(expected);
      await consumer.assign([place]);
      expect(await failsInTime(consumer.poll(gone))).toMatchObject(expected);
      expect(await failsInTime(consumer.commit(undefined, signal))).toMatchObject(expected);
      expect(await failsInTime(consumer.committed([place], signal))).toMatchObject(expected);
      await using producer = new Producer(cluster);
      expect(await failsInTime(producer.send(name, text('b'), signal))).toMatchObject(expected);
      expect((await world.admin.listOffsets(name, 'latest'))[0]?.offset).toBe(1);
      await read(consumer, 1);
      const stop = new AbortController();
      const waiting = consumer.poll(stop.signal);
      stop.abort();
      expect(await failsInTime(waiting)).toMatchObject(expected);
      // A loop ends quietly at its own signal.
      for await (const message of new Bus(cluster).consume(name, signal)) void message;
    });

    it('a consumer that is used as it cannot be', async () => {
      const alone = new Consumer(world.cluster);
      await expect(alone.subscribe(['t'])).rejects.toThrow('use assign');
      await expect(alone.commit()).rejects.toThrow('only a consumer with a group can commit');
      await expect(alone.committed()).rejects.toThrow('only a consumer with a group');
      expect(() => alone.seek({ topic: 't', partition: 0 }, 1)).toThrow('t-0 is not assigned');
      expect(() => alone.pause([{ topic: 't', partition: 0 }])).toThrow('t-0 is not assigned');
      expect(() => new Consumer(world.cluster, { group: '' })).toThrow('a group needs a name');
      await alone.close();
      const name = await world.newTopic();
      await using member = world.member(`g-${name}`);
      await member.subscribe([name]);
      await expect(member.assign([{ topic: name, partition: 0 }])).rejects.toThrow(
        'is given its partitions by the group',
      );
    });

    it('errors tell the code, its name, the broker and the place', async () => {
      const name = await world.newTopic(1, { 'max.message.bytes': '500' });
      await using producer = new Producer(world.cluster);
      const reason = await reasonOf(producer.send(name, { value: new Uint8Array(1000) }));
      expect(reason).toBeInstanceOf(BrokerError);
      expect(reason).toMatchObject({
        code: 10,
        errorName: 'MESSAGE_TOO_LARGE',
        retriable: false,
        topic: name,
        partition: 0,
        broker: expect.stringMatching(/:\d+$/) as string,
      });
    });
  });
}

const escaped = (part: string): string => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
