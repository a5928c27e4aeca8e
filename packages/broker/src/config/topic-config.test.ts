import { describe, expect, it } from 'vitest';
import { parseBrokerConfig } from './broker-config.ts';
import { ConfigSource, describeBrokerConfig, describeTopicConfig } from './describe.ts';
import {
  AlterOperation,
  alterTopicConfig,
  effectiveTopicConfig,
  parseTopicConfig,
} from './topic-config.ts';
import type { TopicOverrides } from './topic-config.ts';

const broker = (values: Readonly<Record<string, string>> = {}) =>
  parseBrokerConfig(Object.entries(values).map(([key, value]) => ({ key, value, origin: 'test' })));
const topic = (values: Readonly<Record<string, string>>) =>
  parseTopicConfig(Object.entries(values).map(([key, value]) => ({ key, value })));

describe("a topic's configuration", () => {
  it('is what the topic sets over what the broker gives', () => {
    const { config } = broker({ 'log.retention.hours': '1', 'message.max.bytes': '1000' });
    const { overrides, problems } = topic({
      'cleanup.policy': 'compact, delete',
      'max.message.bytes': '2000',
    });
    expect(problems).toEqual([]);
    const effective = effectiveTopicConfig(config, overrides);
    expect(effective['retention.ms']).toBe(3_600_000);
    expect(effective['max.message.bytes']).toBe(2000);
    expect(effective['cleanup.policy']).toEqual(['compact', 'delete']);
    expect(effective['message.timestamp.type']).toBe('CreateTime');
    expect(effective['flush.messages']).toBe(1);
  });

  it.each([
    [{ 'retention.m': '1' }, 'retention.m is not a configuration key; did you mean retention.ms?'],
    [
      { 'log.retention.ms': '1' },
      "log.retention.ms is not a configuration key of a topic: it is a broker's",
    ],
    [
      { 'remote.storage.enable': 'true' },
      "remote.storage.enable is Kafka's and belongs to tiered storage, which this version does not support",
    ],
    [{ 'segment.bytes': '1000' }, 'segment.bytes=1000: must be at least 1048576'],
    [{ 'retention.ms': '-2' }, 'retention.ms=-2: must be at least -1'],
    [
      { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' },
      'min.compaction.lag.ms is above max.compaction.lag.ms',
    ],
  ])('refuses %j', (values: Readonly<Record<string, string>>, message) => {
    expect(topic(values).problems.map((problem) => problem.message)).toEqual([message]);
  });

  it('may keep nothing, which a broker may not by default', () => {
    expect(topic({ 'retention.ms': '0' }).problems).toEqual([]);
  });

  describe('altered key by key', () => {
    const { config } = broker();
    const alter = (
      overrides: TopicOverrides,
      key: string,
      operation: number,
      value: string | null,
    ) => alterTopicConfig(config, overrides, [{ key, operation, value }]);

    it('sets and deletes', () => {
      const { overrides } = topic({ 'retention.ms': '1' });
      expect(alter(overrides, 'retention.ms', AlterOperation.SET, '2')).toEqual({
        ok: true,
        entries: [{ key: 'retention.ms', value: '2' }],
      });
      expect(alter(overrides, 'retention.ms', AlterOperation.DELETE, null)).toEqual({
        ok: true,
        entries: [],
      });
    });

    it('adds to and takes from a list, beginning with what holds without it', () => {
      const { overrides } = topic({});
      expect(alter(overrides, 'cleanup.policy', AlterOperation.APPEND, 'compact')).toEqual({
        ok: true,
        entries: [{ key: 'cleanup.policy', value: 'delete,compact' }],
      });
      expect(alter(overrides, 'cleanup.policy', AlterOperation.APPEND, 'delete')).toEqual({
        ok: true,
        entries: [{ key: 'cleanup.policy', value: 'delete' }],
      });
      expect(
        alter(
          topic({ 'cleanup.policy': 'compact,delete' }).overrides,
          'cleanup.policy',
          AlterOperation.SUBTRACT,
          'delete',
        ),
      ).toEqual({
        ok: true,
        entries: [{ key: 'cleanup.policy', value: 'compact' }],
      });
    });

    it('refuses to add to what is no list, and operations that do not exist', () => {
      expect(alter(topic({}).overrides, 'retention.ms', AlterOperation.APPEND, '1')).toEqual({
        ok: false,
        message: 'retention.ms is no list: nothing can be appended to it or taken from it',
      });
      expect(alter(topic({}).overrides, 'retention.ms', 9, '1')).toEqual({
        ok: false,
        message: '9 is not an operation on retention.ms',
      });
      expect(alter(topic({}).overrides, 'retention.ms', AlterOperation.SET, null)).toEqual({
        ok: false,
        message: 'retention.ms needs a value',
      });
    });
  });
});

describe('a described configuration', () => {
  it('tells where a value of a topic comes from, and what stands behind it', () => {
    const settings = broker({ 'log.retention.hours': '2' });
    const { overrides } = topic({ 'retention.ms': '5' });
    const [own] = describeTopicConfig(settings, overrides, ['retention.ms']);
    expect(own).toMatchObject({
      value: '5',
      source: ConfigSource.TOPIC,
      isReadOnly: false,
      isSensitive: false,
      type: 5,
    });
    expect(own?.synonyms).toEqual([
      { name: 'retention.ms', value: '5', source: ConfigSource.TOPIC },
      { name: 'log.retention.hours', value: '2', source: ConfigSource.STATIC_BROKER },
      { name: 'log.retention.hours', value: '168', source: ConfigSource.DEFAULT },
    ]);
    const [inherited] = describeTopicConfig(settings, new Map(), ['retention.ms']);
    expect(inherited).toMatchObject({ value: '7200000', source: ConfigSource.STATIC_BROKER });
    const [untouched] = describeTopicConfig(settings, new Map(), ['cleanup.policy']);
    expect(untouched).toMatchObject({ value: 'delete', source: ConfigSource.DEFAULT, type: 7 });
  });

  it('tells layers of a broker from the strongest', () => {
    const settings = parseBrokerConfig([{ key: 'log.retention.ms', value: '1', origin: 'test' }], {
      broker: new Map([['log.retention.ms', '3']]),
      cluster: new Map([['log.retention.ms', '2']]),
    });
    const [retention] = describeBrokerConfig(settings, ['log.retention.ms']);
    expect(retention).toMatchObject({
      value: '3',
      source: ConfigSource.DYNAMIC_BROKER,
      isReadOnly: false,
    });
    expect(retention?.synonyms.map(({ value, source }) => [value, source])).toEqual([
      ['3', ConfigSource.DYNAMIC_BROKER],
      ['2', ConfigSource.DYNAMIC_DEFAULT_BROKER],
      ['1', ConfigSource.STATIC_BROKER],
      ['168', ConfigSource.DEFAULT],
    ]);
    const [roles] = describeBrokerConfig(settings, ['node.id']);
    expect(roles).toMatchObject({
      value: '1',
      source: ConfigSource.DEFAULT,
      isReadOnly: true,
      type: 3,
    });
  });

  it('knows every key, and says nothing of a name that is none', () => {
    expect(describeBrokerConfig(broker()).length).toBeGreaterThan(80);
    expect(describeBrokerConfig(broker(), ['no.such.key'])).toEqual([]);
    expect(describeTopicConfig(broker(), new Map()).map(({ name }) => name)).toContain(
      'cleanup.policy',
    );
  });

  it('writes doubles and absent values as Kafka does', () => {
    const settings = broker({ 'log.cleaner.min.cleanable.ratio': '1' });
    const value = (name: string): string | null | undefined =>
      describeBrokerConfig(settings, [name])[0]?.value;
    expect(value('log.cleaner.min.cleanable.ratio')).toBe('1.0');
    expect(value('broker.rack')).toBe(null);
    expect(value('log.flush.interval.ms')).toBe('9223372036854775807');
  });
});
