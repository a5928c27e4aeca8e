import { ErrorCode } from '@odradek/protocol';
import { describe, expect, it } from 'vitest';
import { api } from '../testing/api.ts';
import { batchOf } from '../testing/records.ts';
import { createTopic, fetchFrom, produce } from '../testing/stories.ts';
import { startTestBroker, type TestClient } from '../testing/test-broker.ts';
import { settle } from '../testing/turns.ts';

const TOPIC = 2;
const BROKER = 4;
type Resource = readonly [type: number, name: string];
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

type Change = readonly [name: string, value: string | null, operation?: number];

const alter = async (client: TestClient, resource: Resource, ...changes: readonly Change[]) => {
  const { responses } = await client.request(api.incrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: resource[0],
        resourceName: resource[1],
        configs: changes.map(([name, value, configOperation = SET]) => ({
          name,
          value,
          configOperation,
        })),
      },
    ],
    validateOnly: false,
  });
  return responses[0]!;
};

const put = async (
  client: TestClient,
  resource: Resource,
  configs: Readonly<Record<string, string | null>>,
  validateOnly = false,
) => {
  const { responses } = await client.request(api.alterConfigs, 2, {
    resources: [
      {
        resourceType: resource[0],
        resourceName: resource[1],
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      },
    ],
    validateOnly,
  });
  return responses[0]!;
};

const describeAll = async (
  client: TestClient,
  resource: Resource,
  configurationKeys: readonly string[] | null,
  more: object = {},
) => {
  const { results } = await client.request(api.describeConfigs, 4, {
    resources: [{ resourceType: resource[0], resourceName: resource[1], configurationKeys }],
    ...more,
  });
  return results[0]!;
};

const describeOne = async (
  client: TestClient,
  resource: Resource,
  name: string,
  more: object = {},
) => (await describeAll(client, resource, [name], more)).configs[0]!;

const withTopic = async (config: Readonly<Record<string, string>> = {}) => {
  const broker = await startTestBroker({ config });
  const client = broker.connect();
  await createTopic(client, 'words');
  return { ...broker, client, self: [BROKER, String(broker.broker.nodeId)] as const };
};
const WORDS: Resource = [TOPIC, 'words'];
const ALL_BROKERS: Resource = [BROKER, ''];

describe('the configuration of a topic', () => {
  it('is told with what is behind each value', async () => {
    const { client, self, stop } = await withTopic({ 'log.retention.hours': '2' });
    await alter(client, WORDS, ['retention.ms', '5']);
    await alter(client, ALL_BROKERS, ['log.retention.ms', '6']);
    await alter(client, self, ['log.retention.ms', '7']);
    const asked = { includeSynonyms: true, includeDocumentation: true };
    const found = await describeOne(client, WORDS, 'retention.ms', asked);
    expect(found).toMatchObject({
      value: '5',
      configSource: 1,
      readOnly: false,
      isSensitive: false,
      configType: 5,
    });
    expect(found.documentation).not.toBe('');
    expect(found.synonyms.map((it) => [it.name, it.value, it.source])).toEqual([
      ['retention.ms', '5', 1],
      ['log.retention.ms', '7', 2],
      ['log.retention.ms', '6', 3],
      ['log.retention.hours', '2', 4],
      ['log.retention.hours', '168', 5],
    ]);
    await alter(client, WORDS, ['retention.ms', null, DELETE]);
    await alter(client, self, ['log.retention.ms', null, DELETE]);
    expect(await describeOne(client, WORDS, 'retention.ms')).toMatchObject({
      value: '6',
      configSource: 3,
      synonyms: [],
      documentation: null,
    });
    await stop();
  });

  it('is told whole when no key is named', async () => {
    const { client, stop } = await withTopic();
    const all = (await describeAll(client, WORDS, null)).configs.length;
    expect(all).toBeGreaterThan(20);
    expect((await describeAll(client, WORDS, [])).configs).toHaveLength(all);
    expect((await describeAll(client, WORDS, ['none'])).configs).toEqual([]);
    const { results } = await client.request(api.describeConfigs, 1, {
      resources: [
        { resourceType: TOPIC, resourceName: 'words', configurationKeys: ['cleanup.policy'] },
      ],
    });
    expect(results[0]!.configs[0]).toMatchObject({
      name: 'cleanup.policy',
      value: 'delete',
      configSource: 5,
    });
    await stop();
  });

  it('takes effect on the log at once', async () => {
    const { client, broker, stop } = await withTopic();
    const large = async () => (await produce(client, 'words', ['x'.repeat(2_000)])).errorCode;
    expect(await large()).toBe(ErrorCode.NONE);
    expect(await alter(client, WORDS, ['max.message.bytes', '1000'])).toMatchObject({
      errorCode: ErrorCode.NONE,
      errorMessage: null,
    });
    expect(await large()).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect(await alter(client, WORDS, ['min.insync.replicas', '2'])).toMatchObject({
      errorCode: ErrorCode.NONE,
    });
    expect((await produce(client, 'words', ['a'])).errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
    await alter(
      client,
      WORDS,
      ['min.insync.replicas', null, DELETE],
      ['max.message.bytes', null, DELETE],
    );
    expect(await large()).toBe(ErrorCode.NONE);
    expect(broker.settings.logConfig('words')).toBe(broker.settings.logConfig('others'));
    await stop();
  });

  it('that changes while the log is opened is not lost', async () => {
    const { client, disk, stop, connect } = await withTopic();
    const release = disk.hold('replace', 'slow-0/');
    const { topics } = await client.request(api.createTopics, 7, {
      topics: [
        { name: 'slow', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
      ],
      timeoutMs: 0,
      validateOnly: false,
    });
    expect(topics[0]!.errorCode).toBe(ErrorCode.NONE);
    await alter(connect(), [TOPIC, 'slow'], ['max.message.bytes', '1000']);
    release();
    await settle();
    expect((await produce(client, 'slow', ['x'.repeat(2_000)])).errorCode).toBe(
      ErrorCode.MESSAGE_TOO_LARGE,
    );
    await stop();
  });

  it('has lists that grow and shrink', async () => {
    const { client, stop } = await withTopic();
    const policy = async () => (await describeOne(client, WORDS, 'cleanup.policy')).value;
    await alter(client, WORDS, ['cleanup.policy', 'compact', APPEND]);
    expect(await policy()).toBe('delete,compact');
    await alter(client, WORDS, ['cleanup.policy', 'delete', SUBTRACT]);
    expect(await policy()).toBe('compact');
    expect((await produce(client, 'words', ['a'])).errorCode).toBe(ErrorCode.NONE);
    const keyless = await client.request(api.produce, 9, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 1000,
      topicData: [
        {
          name: 'words',
          partitionData: [{ index: 0, records: batchOf(['a'], { isKeyless: true }) }],
        },
      ],
    });
    expect(keyless.responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.INVALID_RECORD);
    await stop();
  });

  it('is put whole by the old API: what is not named goes', async () => {
    const { client, stop } = await withTopic();
    await put(client, WORDS, { 'retention.ms': '1', 'retention.bytes': '2' });
    await put(client, WORDS, { 'retention.bytes': '3' });
    expect(await describeOne(client, WORDS, 'retention.ms')).toMatchObject({ configSource: 5 });
    expect(await describeOne(client, WORDS, 'retention.bytes')).toMatchObject({
      value: '3',
      configSource: 1,
    });
    await put(client, WORDS, { 'retention.bytes': '4' }, true);
    expect(await describeOne(client, WORDS, 'retention.bytes')).toMatchObject({ value: '3' });
    await put(client, WORDS, {});
    expect(await describeOne(client, WORDS, 'retention.bytes')).toMatchObject({ configSource: 5 });
    await stop();
  });

  it('is refused with the codes that Kafka gives', async () => {
    const { client, stop } = await withTopic();
    const code = async (resource: Resource, ...changes: Change[]) =>
      (await alter(client, resource, ...changes)).errorCode;
    expect(await code([TOPIC, 'none'], ['retention.ms', '1'])).toBe(
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    );
    expect(await code([TOPIC, '/'], ['retention.ms', '1'])).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect(await code([16, 'x'], ['a', 'b'])).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(WORDS, ['retention.mss', '1'])).toBe(ErrorCode.INVALID_CONFIG);
    expect(await code(WORDS, ['retention.ms', 'soon'])).toBe(ErrorCode.INVALID_CONFIG);
    expect(await code(WORDS, ['retention.ms', '5', APPEND])).toBe(ErrorCode.INVALID_CONFIG);
    expect(await code(WORDS, ['retention.ms', null])).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(WORDS, ['retention.ms', '1', 9])).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(WORDS, ['retention.ms', '1'], ['retention.ms', '2'])).toBe(
      ErrorCode.INVALID_REQUEST,
    );
    expect((await put(client, WORDS, { 'retention.ms': null })).errorCode).toBe(
      ErrorCode.INVALID_REQUEST,
    );
    const twice = await client.request(api.incrementalAlterConfigs, 1, {
      resources: [
        { resourceType: TOPIC, resourceName: 'words', configs: [] },
        { resourceType: BROKER, resourceName: '', configs: [] },
        { resourceType: TOPIC, resourceName: 'words', configs: [] },
      ],
      validateOnly: false,
    });
    expect(twice.responses.map((it) => [it.resourceName, it.errorCode])).toEqual([
      ['', ErrorCode.NONE],
      ['words', ErrorCode.INVALID_REQUEST],
    ]);
    await stop();
  });
});

describe('the configuration of a broker', () => {
  it('changes what its topics inherit, at once and over a restart', async () => {
    const first = await withTopic();
    await alter(first.client, ALL_BROKERS, ['message.max.bytes', '1000']);
    const large = async (client: TestClient) =>
      (await produce(client, 'words', ['x'.repeat(2_000)])).errorCode;
    expect(await large(first.client)).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    await createTopic(first.client, 'own', 1, { 'max.message.bytes': '5000' });
    expect((await produce(first.client, 'own', ['x'.repeat(2_000)])).errorCode).toBe(
      ErrorCode.NONE,
    );
    const second = await first.restart();
    expect(await large(second.connect())).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    await alter(second.connect(), ALL_BROKERS, ['message.max.bytes', null, DELETE]);
    expect(await large(second.connect())).toBe(ErrorCode.NONE);
    await second.stop();
  });

  it('is told for the one and for all, each with its own', async () => {
    const { client, self, stop } = await withTopic();
    await alter(client, ALL_BROKERS, ['max.connections', '70']);
    await alter(client, self, ['max.connections', '80']);
    const asked = { includeSynonyms: true };
    expect(await describeOne(client, self, 'max.connections', asked)).toMatchObject({
      value: '80',
      configSource: 2,
      synonyms: [
        { value: '80', source: 2 },
        { value: '70', source: 3 },
        { value: '10000', source: 5 },
      ],
    });
    const all = await describeAll(client, ALL_BROKERS, null, asked);
    expect(all.configs).toMatchObject([
      {
        name: 'max.connections',
        value: '70',
        configSource: 3,
        synonyms: [{ value: '70', source: 3 }],
      },
    ]);
    expect((await describeAll(client, ALL_BROKERS, ['log.retention.ms'])).configs).toEqual([]);
    expect(await describeOne(client, self, 'node.id')).toMatchObject({ readOnly: true });
    expect(await describeOne(client, self, 'max.connections')).toMatchObject({ readOnly: false });
    await stop();
  });

  it('has lists that grow and shrink', async () => {
    const { client, stop } = await withTopic();
    await alter(client, ALL_BROKERS, ['log.cleanup.policy', 'compact', APPEND]);
    expect(await describeOne(client, WORDS, 'cleanup.policy')).toMatchObject({
      value: 'delete,compact',
      configSource: 3,
    });
    await alter(client, ALL_BROKERS, ['log.cleanup.policy', 'delete', SUBTRACT]);
    expect(await describeOne(client, WORDS, 'cleanup.policy')).toMatchObject({ value: 'compact' });
    await stop();
  });

  it('is refused where it may not change, is wrong, or is wrong with the rest', async () => {
    const { client, self, stop } = await withTopic();
    const code = async (resource: Resource, ...changes: Change[]) =>
      (await alter(client, resource, ...changes)).errorCode;
    expect(await code(self, ['node.id', '7'])).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(self, ['none', '7'])).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(self, ['max.connections', 'many'])).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code([BROKER, '99'], ['max.connections', '1'])).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code([BROKER, 'x'], ['max.connections', '1'])).toBe(ErrorCode.INVALID_REQUEST);
    expect(await code(self, ['max.connections', '5', APPEND])).toBe(ErrorCode.INVALID_CONFIG);
    expect(await code(self, ['log.retention.ms', '0'])).toBe(ErrorCode.INVALID_REQUEST);
    expect((await describeAll(client, self, ['log.retention.ms'])).configs[0]).toMatchObject({
      configSource: 5,
    });
    expect((await put(client, self, { 'max.connections': '500' })).errorCode).toBe(ErrorCode.NONE);
    expect((await put(client, self, { 'node.id': '500' })).errorCode).toBe(
      ErrorCode.INVALID_REQUEST,
    );
    await stop();
  });

  it('is refused to be told of others', async () => {
    const { client, stop } = await withTopic();
    expect(await describeAll(client, [BROKER, '9'], null)).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
      configs: [],
    });
    expect(await describeAll(client, [TOPIC, 'none'], null)).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      configs: [],
    });
    expect(await describeAll(client, [32, 'g'], null)).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
    });
    await stop();
  });
});

describe('what has a configuration', () => {
  it('is listed by kind', async () => {
    const { client, broker, stop } = await withTopic();
    const list = async (resourceTypes: readonly number[]) =>
      client.request(api.listConfigResources, 1, { resourceTypes });
    const words = { resourceName: 'words', resourceType: TOPIC };
    const self = { resourceName: String(broker.nodeId), resourceType: BROKER };
    expect((await list([])).configResources).toEqual([words, self]);
    expect((await list([BROKER])).configResources).toEqual([self]);
    expect((await list([16, 32])).configResources).toEqual([]);
    expect((await list([3])).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect((await client.request(api.listConfigResources, 0, {})).configResources).toEqual([]);
    await stop();
  });
});

describe('retention', () => {
  it('that is shortened takes old records away at its next round', async () => {
    const { client, stop } = await withTopic({ 'log.retention.check.interval.ms': '1' });
    await produce(client, 'words', ['old'], { timestampMs: Date.now() - 10_000 });
    await alter(client, WORDS, ['retention.ms', '1000']);
    let found = await fetchFrom(client, 'words', 0);
    for (let n = 0; n < 500 && found.errorCode === ErrorCode.NONE; n++) {
      await settle(1);
      found = await fetchFrom(client, 'words', 0);
    }
    expect(found.errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect((await fetchFrom(client, 'words', 1)).logStartOffset).toBe(1);
    await stop();
  });
});
