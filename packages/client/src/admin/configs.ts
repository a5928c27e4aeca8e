/** Configuration of topics and brokers. */
import {
  describeConfigsApi,
  incrementalAlterConfigsApi,
  listConfigResourcesApi,
} from './admin-api.ts';
import type { Api } from '../api.ts';
import type { Cluster } from '../cluster.ts';
import { withRetries } from '../retry.ts';
import { check, missing } from './asking.ts';

export type ConfigResource =
  | { readonly topic: string }
  /** A node id; '' for what all brokers share. */
  | { readonly broker: number | '' }
  | { readonly group: string };

export type ConfigSource =
  | 'topic'
  | 'broker'
  | 'cluster'
  | 'static'
  | 'default'
  | 'broker logger'
  | 'client metrics'
  | 'group'
  | 'unknown';

export interface ConfigEntry {
  readonly name: string;
  /** Null when it is a secret, or not set. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly readOnly: boolean;
  readonly isSensitive: boolean;
  readonly documentation: string | null;
  /** Whether it is set for this resource itself. */
  readonly isOverride: boolean;
}

/** Null takes a key's own value away. `append` and `subtract` are for lists. */
export type ConfigChange =
  | string
  | null
  | { readonly append: string }
  | { readonly subtract: string };

const TOPIC = 2;
const BROKER = 4;
const GROUP = 32;
const SOURCES: readonly ConfigSource[] = [
  'unknown',
  'topic',
  'broker',
  'cluster',
  'static',
  'default',
  'broker logger',
  'client metrics',
  'group',
];
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

export const describeConfig = (
  cluster: Cluster,
  resource: ConfigResource,
  keys: readonly string[] | null,
): Promise<readonly ConfigEntry[]> =>
  withRetries(cluster.host, cluster.retry, async () => {
    const address = addressOf(resource);
    const body = {
      resources: [{ ...address, configurationKeys: keys }],
      includeSynonyms: false,
      includeDocumentation: true,
    };
    const { results } = await askOwner(cluster, resource, describeConfigsApi, body);
    const [result] = results;
    if (result === undefined) return [];
    check(result.errorCode, {
      topic: address.resourceName,
      detail: result.errorMessage,
      ...missing(result.errorCode),
    });
    const own: ConfigSource =
      'topic' in resource ? 'topic' : 'broker' in resource ? 'broker' : 'group';
    return result.configs.map(
      ({ name, value, configSource, readOnly, isSensitive, documentation }) => ({
        name,
        value,
        source: SOURCES[configSource] ?? 'unknown',
        readOnly,
        isSensitive,
        documentation,
        isOverride: SOURCES[configSource] === own,
      }),
    );
  });

export const alterConfig = (
  cluster: Cluster,
  resource: ConfigResource,
  changes: Readonly<Record<string, ConfigChange>>,
  validateOnly: boolean,
): Promise<void> =>
  withRetries(cluster.host, cluster.retry, async () => {
    const address = addressOf(resource);
    const { responses } = await askOwner(cluster, resource, incrementalAlterConfigsApi, {
      resources: [
        {
          ...address,
          configs: Object.entries(changes).map(([name, change]) => ({
            name,
            ...operation(change),
          })),
        },
      ],
      validateOnly,
    });
    for (const { errorCode, errorMessage } of responses)
      check(errorCode, {
        topic: address.resourceName,
        detail: errorMessage,
        ...missing(errorCode),
      });
  });

/** What has, or may have, a configuration. */
export const listConfigResources = (cluster: Cluster): Promise<readonly ConfigResource[]> =>
  withRetries(cluster.host, cluster.retry, async () => {
    const { errorCode, configResources } = await cluster.askAny(listConfigResourcesApi, {
      resourceTypes: [TOPIC, BROKER],
    });
    check(errorCode, { api: 'ListConfigResources' });
    return configResources.flatMap(({ resourceName, resourceType }): ConfigResource[] => {
      if (resourceType === TOPIC) return [{ topic: resourceName }];
      if (resourceType === BROKER)
        return [{ broker: resourceName === '' ? '' : Number(resourceName) }];
      return [];
    });
  });

function addressOf(resource: ConfigResource): {
  readonly resourceType: number;
  readonly resourceName: string;
} {
  if ('topic' in resource) return { resourceType: TOPIC, resourceName: resource.topic };
  if ('group' in resource) return { resourceType: GROUP, resourceName: resource.group };
  return { resourceType: BROKER, resourceName: String(resource.broker) };
}

/** A broker tells only its own. */
async function askOwner<In, Out>(
  cluster: Cluster,
  resource: ConfigResource,
  api: Api<In, Out>,
  body: NoInfer<In>,
): Promise<Out> {
  if (!('broker' in resource) || resource.broker === '') return cluster.askAny(api, body);
  if (!cluster.nodeIds.includes(resource.broker)) await cluster.metadata({ topics: [] });
  return cluster.ask(resource.broker, api, body);
}

function operation(change: ConfigChange): {
  readonly configOperation: number;
  readonly value: string | null;
} {
  if (change === null) return { configOperation: DELETE, value: null };
  if (typeof change === 'string') return { configOperation: SET, value: change };
  if ('append' in change) return { configOperation: APPEND, value: change.append };
  return { configOperation: SUBTRACT, value: change.subtract };
}
