import { describe, expect, it } from 'vitest';
import { brokerKeys } from './broker-keys.ts';
import { parseBrokerConfig } from './broker-config.ts';
import type { ConfigEntry } from './broker-config.ts';
import { UNLIMITED } from './key.ts';
import type { ConfigKey } from './key.ts';
import { formatValue, parseValue } from './value.ts';

const given = (values: Readonly<Record<string, string>>): readonly ConfigEntry[] =>
  Object.entries(values).map(([key, value]) => ({ key, value, origin: 'test.properties' }));
const messages = (values: Readonly<Record<string, string>>): readonly string[] =>
  parseBrokerConfig(given(values)).problems.map(
    ({ severity, message }) => `${severity}: ${message}`,
  );

describe("a broker's configuration", () => {
  it('is complete and without problems when nothing is set', () => {
    const { config, listeners, voters, problems } = parseBrokerConfig([]);
    expect(problems).toEqual([]);
    expect(config['node.id']).toBe(1);
    expect(config['log.retention.ms']).toBe(604_800_000);
    expect(config['log.flush.interval.messages']).toBe(1);
    expect(config['message.max.bytes']).toBe(1_048_588);
    expect(listeners.map(({ name, protocol, host, port }) => [name, protocol, host, port])).toEqual(
      [
        ['PLAINTEXT', 'PLAINTEXT', '127.0.0.1', 9092],
        ['WS', 'WS', '127.0.0.1', 9094],
      ],
    );
    expect(voters).toEqual([]);
  });

  it('has defaults that their own validators accept and that survive being written and read', () => {
    for (const [name, key] of Object.entries<ConfigKey>(brokerKeys)) {
      const text = formatValue(key.type, key.default);
      if (text === null || key.fallbacks.length > 0) continue;
      expect([name, parseValue(key, text)]).toEqual([name, { ok: true, value: key.default }]);
    }
  });

  it('describes every key in a sentence', () => {
    for (const [name, key] of Object.entries<ConfigKey>(brokerKeys))
      expect([name, /^\S.*\.$/.test(key.doc)]).toEqual([name, true]);
  });

  describe('with several keys for one thing', () => {
    it('takes milliseconds before minutes before hours', () => {
      const retention = (values: Readonly<Record<string, string>>): number =>
        parseBrokerConfig(given(values)).config['log.retention.ms'];
      expect(retention({ 'log.retention.hours': '2' })).toBe(7_200_000);
      expect(retention({ 'log.retention.hours': '2', 'log.retention.minutes': '3' })).toBe(180_000);
      expect(
        retention({
          'log.retention.hours': '2',
          'log.retention.minutes': '3',
          'log.retention.ms': '4',
        }),
      ).toBe(4);
      expect(retention({ 'log.retention.hours': '-1' })).toBe(-1);
    });

    it('takes log.dirs before log.dir, and broker.id for node.id', () => {
      const { config } = parseBrokerConfig(given({ 'log.dir': 'a', 'broker.id': '7' }));
      expect(config['log.dirs']).toEqual(['a']);
      expect(config['node.id']).toBe(7);
      expect(
        parseBrokerConfig(given({ 'log.dir': 'a', 'log.dirs': 'b' })).config['log.dirs'],
      ).toEqual(['b']);
    });

    it('takes what was set while the broker runs before what was given at its start', () => {
      const { config } = parseBrokerConfig(
        given({ 'log.retention.ms': '5', 'log.retention.bytes': '6' }),
        {
          broker: new Map([['log.retention.ms', '7']]),
          cluster: new Map([
            ['log.retention.ms', '8'],
            ['log.retention.bytes', '9'],
          ]),
        },
      );
      expect(config['log.retention.ms']).toBe(7);
      expect(config['log.retention.bytes']).toBe(9);
    });

    it('lets a later entry win', () => {
      const entries = [...given({ 'num.partitions': '2' }), ...given({ 'num.partitions': '3' })];
      expect(parseBrokerConfig(entries).config['num.partitions']).toBe(3);
    });
  });

  it('keeps as many offset replicas as there are voters, unless told', () => {
    const factor = (values: Readonly<Record<string, string>>): number =>
      parseBrokerConfig(given(values)).config['offsets.topic.replication.factor'];
    expect(factor({})).toBe(1);
    expect(factor({ 'offsets.topic.replication.factor': '2' })).toBe(2);
    expect(factor({ 'controller.quorum.voters': '1@a:1,2@b:1,3@c:1,4@d:1,5@e:1' })).toBe(3);
  });

  it("reads Java's longest long as no limit", () => {
    expect(
      parseBrokerConfig(given({ 'log.flush.interval.messages': '9223372036854775807' })).config[
        'log.flush.interval.messages'
      ],
    ).toBe(UNLIMITED);
    expect(formatValue('long', UNLIMITED)).toBe('9223372036854775807');
  });

  describe('refuses', () => {
    it.each([
      [
        { 'log.retention.hour': '1' },
        'log.retention.hour is not a configuration key; did you mean log.retention.hours?',
      ],
      [
        { 'Log.Retention.Ms': '1' },
        'Log.Retention.Ms is not a configuration key; did you mean log.retention.ms?',
      ],
      [{ 'some.thing.else.entirely': '1' }, 'some.thing.else.entirely is not a configuration key'],
      [
        { 'ssl.keystore.location': 'x' },
        "ssl.keystore.location is Kafka's and belongs to TLS, which this version does not support",
      ],
      [
        { 'log.preallocate': 'true' },
        "log.preallocate is Kafka's and belongs to files made at full size, which this version does not support",
      ],
      [
        { 'retention.ms': '1' },
        "retention.ms is not a configuration key of a broker: it is a topic's, and the broker's default for it is log.retention.ms",
      ],
      [{ 'num.partitions': 'many' }, 'num.partitions=many: is not a 32-bit integer'],
      [{ 'num.partitions': '0' }, 'num.partitions=0: must be at least 1'],
      [{ 'num.partitions': '2147483648' }, 'num.partitions=2147483648: is not a 32-bit integer'],
      [
        { 'log.retention.bytes': '9223372036854775808' },
        'log.retention.bytes=9223372036854775808: is not a 64-bit integer',
      ],
      [{ 'delete.topic.enable': 'yes' }, 'delete.topic.enable=yes: must be true or false'],
      [
        { 'log.cleaner.min.cleanable.ratio': '1.5' },
        'log.cleaner.min.cleanable.ratio=1.5: must be no more than 1',
      ],
      [
        { 'log.cleanup.policy': 'compact,shred' },
        'log.cleanup.policy=compact,shred: shred is not one of compact, delete',
      ],
      [
        { 'log.cleanup.policy': 'delete,delete' },
        'log.cleanup.policy=delete,delete: names something twice',
      ],
      [
        { 'log.message.timestamp.type': 'createtime' },
        'log.message.timestamp.type=createtime: must be one of CreateTime, LogAppendTime',
      ],
      [
        { 'log.retention.hours': '0' },
        'log.retention.ms=0: must be at least 1, or -1 for no limit',
      ],
      [
        { 'broker.id': '2', 'node.id': '3' },
        'broker.id=2 and node.id=3 are two names of one number and must agree',
      ],
      [{ 'log.dirs': 'a,b' }, 'log.dirs names 2 folders; this version keeps everything in one'],
      [
        { listeners: 'PLAINTEXT://:9092,SSL://:9093' },
        'listeners: SSL uses SSL, which this version does not support',
      ],
      [
        { listeners: 'INTERNAL://:9092' },
        'listeners: INTERNAL has no protocol: add INTERNAL:PLAINTEXT or INTERNAL:WS to listener.security.protocol.map',
      ],
      [{ listeners: 'localhost:9092' }, 'listeners: localhost:9092 is not NAME://host:port'],
      [{ listeners: 'PLAINTEXT://:9092,WS://:9092' }, 'listeners: two listeners share port 9092'],
      [
        { 'advertised.listeners': 'WS://0.0.0.0:80' },
        'advertised.listeners: nobody can connect to WS://0.0.0.0:80: name a host and a port',
      ],
      [
        { 'advertised.listeners': 'OTHER://a:80' },
        'advertised.listeners: OTHER is not among the listeners',
      ],
      [
        { 'controller.quorum.voters': '1@localhost' },
        'controller.quorum.voters: 1@localhost is not id@host:port',
      ],
      [
        { 'controller.quorum.voters': '2@localhost:9093' },
        'controller.quorum.voters does not name this broker (node.id=1); one without a vote has process.roles=broker',
      ],
      [
        { 'controller.quorum.voters': '1@a:1,2@b:1,3@c:1,4@d:1' },
        '4 voters bear no more failures than 3, and may be cut into halves of which none can lead: take an odd number',
      ],
      [
        { 'process.roles': 'broker' },
        'process.roles=broker needs controller.quorum.voters: who else would be the controller?',
      ],
      [
        { 'process.roles': 'broker', 'controller.quorum.voters': '1@a:1,2@b:1,3@c:1' },
        'controller.quorum.voters names this broker (node.id=1): then process.roles must be broker,controller',
      ],
      [
        { 'process.roles': 'controller' },
        'process.roles=controller needs controller.quorum.voters: a quorum without brokers has nothing to decide about',
      ],
    ])('%j', (values: Readonly<Record<string, string>>, message) => {
      expect(messages(values)).toContain(`error: ${message}`);
    });

    it('all that is wrong at once, each with its place', () => {
      const { problems } = parseBrokerConfig(
        given({ 'num.partitions': '0', nonsense: '1', 'log.dirs': 'a,b' }),
      );
      expect(problems.map(({ key, origin }) => [key, origin])).toEqual([
        ['num.partitions', 'test.properties'],
        ['nonsense', 'test.properties'],
        ['log.dirs', 'test.properties'],
      ]);
    });
  });

  it("takes what Kafka's stock file sets, and says what has no effect", () => {
    const stock = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
      'inter.broker.listener.name': 'PLAINTEXT',
      'advertised.listeners': 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map':
        'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
      'num.network.threads': '3',
      'num.io.threads': '8',
      'socket.send.buffer.bytes': '102400',
      'socket.receive.buffer.bytes': '102400',
      'socket.request.max.bytes': '104857600',
      'log.dirs': '/var/lib/kafka',
      'num.partitions': '1',
      'num.recovery.threads.per.data.dir': '1',
      'offsets.topic.replication.factor': '1',
      'share.coordinator.state.topic.replication.factor': '1',
      'share.coordinator.state.topic.min.isr': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'log.retention.hours': '168',
      'log.segment.bytes': '1073741824',
      'log.retention.check.interval.ms': '300000',
    };
    const { problems, listeners } = parseBrokerConfig(given(stock));
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(problems.map(({ message }) => message)).toContain(
      'num.io.threads has no effect: a broker runs on one thread',
    );
    expect(listeners.map(({ name }) => name)).toEqual(['PLAINTEXT']);
    expect(listeners[0]?.advertised).toEqual({ name: 'PLAINTEXT', host: 'localhost', port: 9092 });
  });

  it('puts names, addresses and protocols of listeners together', () => {
    const { listeners, problems } = parseBrokerConfig(
      given({
        listeners: 'inside://[::1]:9092, OUTSIDE://0.0.0.0:443',
        'listener.security.protocol.map': 'INSIDE:PLAINTEXT,OUTSIDE:WS',
        'advertised.listeners': 'OUTSIDE://broker.example.org:443',
      }),
    );
    expect(problems).toEqual([]);
    expect(listeners).toEqual([
      { name: 'INSIDE', host: '::1', port: 9092, protocol: 'PLAINTEXT', advertised: undefined },
      {
        name: 'OUTSIDE',
        host: '0.0.0.0',
        port: 443,
        protocol: 'WS',
        advertised: { name: 'OUTSIDE', host: 'broker.example.org', port: 443 },
      },
    ]);
  });
});
