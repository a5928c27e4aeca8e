/**
 * Configuration of topics and brokers in KafkaJS's words. Its `alterConfigs` is Kafka's old AlterConfigs: what it does not name goes back to the
 * default. That is kept, by taking away each key that is set and not named.
 */
import { ErrorCode } from '@odradek/protocol';
import { Admin as Administrator } from '../admin/admin.ts';
import type { ConfigResource } from '../admin/configs.ts';
import { describeConfigsApi } from '../admin/admin-api.ts';
import type { Cluster } from '../cluster.ts';
import { check } from '../errors.ts';
import { withRetries } from '../retry.ts';
import { ConfigResourceTypes } from './constants.ts';
import { KafkaJSNonRetriableError } from './errors.ts';
import type { Session } from './session.ts';
import type {
  AlterConfigsResponse,
  ConfigSynonyms,
  DescribeConfigResponse,
  IResourceConfig,
  ResourceConfigQuery,
} from './types.ts';

type Described = DescribeConfigResponse['resources'][number];

const DEFAULT_SOURCE = 5;

export class AdminConfigs<B extends Uint8Array> {
  readonly #session: Session<B>;

  constructor(session: Session<B>) {
    this.#session = session;
  }

  async describe({
    resources,
    includeSynonyms = false,
  }: {
    resources: ResourceConfigQuery[];
    includeSynonyms: boolean;
  }): Promise<DescribeConfigResponse> {
    checkResources(resources);
    return this.#session.run(async (cluster) => ({
      resources: (
        await Promise.all(resources.map((each) => describe(cluster, each, includeSynonyms)))
      ).flat(),
      throttleTime: 0,
    }));
  }

  async alter({
    resources,
    validateOnly = false,
  }: {
    validateOnly: boolean;
    resources: IResourceConfig[];
  }): Promise<AlterConfigsResponse> {
    checkResources(resources);
    for (const { configEntries, name } of resources)
      if (
        !Array.isArray(configEntries) ||
        configEntries.some(
          (each) => typeof each.name !== 'string' || typeof each.value !== 'string',
        )
      )
        throw new KafkaJSNonRetriableError(`Invalid resource config value for "${name}"`);
    return this.#session.run(async (cluster) => {
      const administrator = new Administrator(cluster);
      for (const { type, name, configEntries } of resources) {
        const resource = resourceOf(type, name);
        const set = (await administrator.describeConfig(resource)).filter(
          ({ isOverride, readOnly }) => isOverride && !readOnly,
        );
        const changes = Object.fromEntries<string | null>([
          ...set.map((entry): [string, null] => [entry.name, null]),
          ...configEntries.map((entry): [string, string] => [entry.name, entry.value]),
        ]);
        await administrator.alterConfig(resource, changes, { validateOnly });
      }
      return {
        resources: resources.map(({ type, name }) => ({
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          resourceName: name,
          resourceType: type,
        })),
      };
    });
  }
}

const describe = (
  cluster: Cluster,
  { type, name, configNames }: ResourceConfigQuery,
  includeSynonyms: boolean,
): Promise<Described[]> =>
  withRetries(cluster.host, cluster.retry, async () => {
    const body = {
      resources: [
        {
          resourceType: type,
          resourceName: name,
          configurationKeys:
            configNames === undefined || configNames.length === 0 ? null : configNames,
        },
      ],
      includeSynonyms,
      includeDocumentation: false,
    };
    const ofBroker = type === ConfigResourceTypes.BROKER && name !== '';
    const { results } = ofBroker
      ? await cluster.ask(Number(name), describeConfigsApi, body)
      : await cluster.askAny(describeConfigsApi, body);
    return results.map((result): Described => {
      check(result.errorCode, {
        topic: result.resourceName,
        detail: result.errorMessage,
        ...(result.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && { retriable: false }),
      });
      return {
        errorCode: result.errorCode,
        errorMessage: result.errorMessage ?? '',
        resourceName: result.resourceName,
        resourceType: result.resourceType as ConfigResourceTypes,
        configEntries: result.configs.map((entry) => ({
          configName: entry.name,
          configValue: entry.value as string,
          isDefault: entry.configSource === DEFAULT_SOURCE,
          configSource: entry.configSource as ConfigSynonyms['configSource'],
          isSensitive: entry.isSensitive,
          readOnly: entry.readOnly,
          configSynonyms: entry.synonyms.map((synonym) => ({
            configName: synonym.name,
            configValue: synonym.value as string,
            configSource: synonym.source as ConfigSynonyms['configSource'],
          })),
        })),
      };
    });
  });

function resourceOf(type: ConfigResourceTypes, name: string): ConfigResource {
  if (type === ConfigResourceTypes.TOPIC) return { topic: name };
  if (type === ConfigResourceTypes.BROKER) return { broker: Number(name) };
  throw new KafkaJSNonRetriableError(
    `Invalid resource type ${type}: topics and brokers are offered`,
  );
}

function checkResources(
  resources: readonly { readonly type: ConfigResourceTypes; readonly name: string }[],
): void {
  if (!Array.isArray(resources) || resources.length === 0)
    throw new KafkaJSNonRetriableError('Resources array cannot be empty');
  for (const { type, name } of resources) {
    if (!Object.values(ConfigResourceTypes).includes(type))
      throw new KafkaJSNonRetriableError(`Invalid resource type ${String(type)}`);
    if (typeof name !== 'string' || name === '')
      throw new KafkaJSNonRetriableError(`Invalid resource name ${String(name)}`);
  }
}
