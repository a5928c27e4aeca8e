/**
 * From entries to a broker's configuration: names, types, ranges, fallbacks, then what must hold between keys. Nothing stops at the first
 * problem: all of them are told, each with the place where it was written.
 *
 * A value comes from the first layer that has one: set for this broker while it runs, set for all brokers while they run, given at the
 * start, the default. Within a layer later entries win, and a finer key goes before its fallbacks whatever the layer order of those.
 */
import { brokerKeys, isBrokerKey } from './broker-keys.ts';
import type { BrokerConfig, BrokerKey } from './broker-keys.ts';
import type { ConfigKey, ConfigValue } from './key.ts';
import { resolveListeners } from './listeners.ts';
import type { ListenerConfig } from './listeners.ts';
import { explainRefusedKey } from './unsupported-keys.ts';
import { parseValue } from './value.ts';
import { parseVoters } from './voters.ts';
import type { Voter } from './voters.ts';

export interface ConfigEntry {
  readonly key: string;
  readonly value: string;
  /** Where it was written, for messages: "server.properties line 12", "--set", "ODRADEK_LISTENERS". */
  readonly origin: string;
}

export interface ConfigProblem {
  /** An error refuses the configuration; a warning is told and the broker starts. */
  readonly severity: 'error' | 'warning';
  readonly key: string;
  readonly origin: string | undefined;
  /** A sentence without full stop that names the key. */
  readonly message: string;
}

/** The given texts by key, in the order in which the layers are asked. */
export interface ConfigLayers {
  readonly dynamicBroker: ReadonlyMap<string, string>;
  readonly dynamicDefault: ReadonlyMap<string, string>;
  readonly given: ReadonlyMap<string, string>;
}

export interface ParsedBrokerConfig {
  readonly config: BrokerConfig;
  /** `listeners`, `advertised.listeners` and the protocol map put together. */
  readonly listeners: readonly ListenerConfig[];
  readonly voters: readonly Voter[];
  readonly layers: ConfigLayers;
  /** Usable only when none of them is an error. */
  readonly problems: readonly ConfigProblem[];
}

const NOTHING: ReadonlyMap<string, string> = new Map();

export function parseBrokerConfig(
  entries: readonly ConfigEntry[],
  dynamic: {
    readonly broker?: ReadonlyMap<string, string>;
    readonly cluster?: ReadonlyMap<string, string>;
  } = {},
): ParsedBrokerConfig {
  const problems: ConfigProblem[] = [];
  const given = new Map<string, string>();
  const origins = new Map<string, string>();
  for (const { key, value, origin } of entries) {
    const refusal = isBrokerKey(key) ? refuseValue(key, value) : explainRefusedKey(key, 'broker');
    if (refusal !== undefined) {
      problems.push({ severity: 'error', key, origin, message: refusal });
      continue;
    }
    given.set(key, value);
    origins.set(key, origin);
  }
  const layers: ConfigLayers = {
    dynamicBroker: dynamic.broker ?? NOTHING,
    dynamicDefault: dynamic.cluster ?? NOTHING,
    given,
  };
  const config = resolveValues(layers);
  const report = (severity: 'error' | 'warning', key: BrokerKey, message: string): void => {
    problems.push({ severity, key, origin: origins.get(key), message });
  };
  for (const key of given.keys()) {
    const { noEffect } = brokerKeys[key as BrokerKey] as ConfigKey;
    if (noEffect !== undefined)
      report('warning', key as BrokerKey, `${key} has no effect: ${noEffect}`);
  }
  const { listeners, voters } = checkTogether(config, report);
  return { config, listeners, voters, layers, problems };
}

/** Why a value for a known key is refused; undefined when it is not. */
export function refuseValue(key: BrokerKey, text: string): string | undefined {
  const parsed = parseValue(brokerKeys[key], text);
  return parsed.ok ? undefined : `${key}=${text}: ${parsed.reason}`;
}

function resolveValues(layers: ConfigLayers): BrokerConfig {
  const config: Record<string, ConfigValue> = {};
  for (const [name, key] of Object.entries<ConfigKey>(brokerKeys)) {
    const source = [{ key: name, factor: 1 }, ...key.fallbacks].find(
      (step) => lookUp(layers, step.key) !== undefined,
    );
    config[name] =
      source === undefined
        ? key.default
        : scale(lookUp(layers, source.key) ?? key.default, source.factor);
  }
  return deriveDefaults(config as BrokerConfig, layers);
}

/** The value that a layer gives; undefined when none does or what it has is no value (a dynamic one of another version). */
function lookUp(layers: ConfigLayers, name: string): ConfigValue | undefined {
  if (!isBrokerKey(name)) return undefined;
  for (const layer of [layers.dynamicBroker, layers.dynamicDefault, layers.given]) {
    const text = layer.get(name);
    const parsed = text === undefined ? undefined : parseValue(brokerKeys[name], text);
    if (parsed?.ok) return parsed.value;
  }
  return undefined;
}

/** Hours to milliseconds; a negative limit stays "no limit". */
function scale(value: ConfigValue, factor: number): ConfigValue {
  if (typeof value !== 'number' || factor === 1) return value;
  return value < 0 ? -1 : value * factor;
}

/** A cluster of three and more keeps three copies unless told otherwise; Kafka's default is one. */
const CLUSTER_REPLICATION_FACTOR = 3;

/** Defaults that follow from other keys. */
function deriveDefaults(config: BrokerConfig, layers: ConfigLayers): BrokerConfig {
  const isGiven = (key: BrokerKey): boolean => lookUp(layers, key) !== undefined;
  const voterCount = Math.max(1, config['controller.quorum.voters'].length);
  return {
    ...config,
    'node.id':
      !isGiven('node.id') && config['broker.id'] >= 0 ? config['broker.id'] : config['node.id'],
    'offsets.topic.replication.factor': isGiven('offsets.topic.replication.factor')
      ? config['offsets.topic.replication.factor']
      : Math.min(config['offsets.topic.replication.factor'], voterCount),
    'default.replication.factor': isGiven('default.replication.factor')
      ? config['default.replication.factor']
      : Math.min(CLUSTER_REPLICATION_FACTOR, voterCount),
  };
}

type Report = (severity: 'error' | 'warning', key: BrokerKey, message: string) => void;

function checkTogether(
  config: BrokerConfig,
  report: Report,
): { readonly listeners: readonly ListenerConfig[]; readonly voters: readonly Voter[] } {
  if (config['broker.id'] >= 0 && config['broker.id'] !== config['node.id']) {
    report(
      'error',
      'broker.id',
      `broker.id=${config['broker.id']} and node.id=${config['node.id']} are two names of one number and must agree`,
    );
  }
  const negative = (['log.retention.ms', 'log.roll.ms'] as const).find(
    (key) => config[key] === 0 || config[key] < -1,
  );
  if (negative !== undefined)
    report(
      'error',
      negative,
      `${negative}=${config[negative]}: must be at least 1${negative === 'log.retention.ms' ? ', or -1 for no limit' : ''}`,
    );
  if (config['log.dirs'].length > 1)
    report(
      'error',
      'log.dirs',
      `log.dirs names ${config['log.dirs'].length} folders; this version keeps everything in one`,
    );
  if (config['group.min.session.timeout.ms'] > config['group.max.session.timeout.ms']) {
    report(
      'error',
      'group.min.session.timeout.ms',
      'group.min.session.timeout.ms is above group.max.session.timeout.ms',
    );
  }
  if (config['replica.fetch.wait.max.ms'] > config['replica.lag.time.max.ms']) {
    report(
      'error',
      'replica.fetch.wait.max.ms',
      'replica.fetch.wait.max.ms is above replica.lag.time.max.ms: idle followers would leave the in-sync set',
    );
  }
  if (config['message.max.bytes'] > config['socket.request.max.bytes']) {
    report(
      'warning',
      'message.max.bytes',
      'message.max.bytes is above socket.request.max.bytes, so the largest batches cannot arrive',
    );
  }
  const { listeners, problems } = resolveListeners({
    listeners: config.listeners,
    advertised: config['advertised.listeners'],
    protocolMap: config['listener.security.protocol.map'],
    controllerNames: config['controller.listener.names'],
  });
  for (const { key, reason } of problems) report('error', key, `${key}: ${reason}`);
  return { listeners, voters: checkVoters(config, report) };
}

function checkVoters(config: BrokerConfig, report: Report): readonly Voter[] {
  const voters = parseVoters(config['controller.quorum.voters']);
  if (typeof voters === 'string') {
    report('error', 'controller.quorum.voters', `controller.quorum.voters: ${voters}`);
    return [];
  }
  const roles = config['process.roles'];
  if (!roles.includes('broker') && voters.length === 0) {
    report(
      'error',
      'process.roles',
      'process.roles=controller needs controller.quorum.voters: a quorum without brokers has nothing to decide about',
    );
  }
  const isNamed = voters.some(({ id }) => id === config['node.id']);
  if (voters.length > 0 && roles.includes('controller') && !isNamed) {
    report(
      'error',
      'controller.quorum.voters',
      `controller.quorum.voters does not name this broker (node.id=${config['node.id']}); one without a vote has process.roles=broker`,
    );
  }
  if (!roles.includes('controller') && (isNamed || voters.length === 0)) {
    report(
      'error',
      'process.roles',
      isNamed
        ? `controller.quorum.voters names this broker (node.id=${config['node.id']}): then process.roles must be broker,controller`
        : 'process.roles=broker needs controller.quorum.voters: who else would be the controller?',
    );
  }
  if (voters.length > 0 && voters.length % 2 === 0) {
    report(
      'error',
      'controller.quorum.voters',
      `${voters.length} voters bear no more failures than ${voters.length - 1}, and may be cut into halves of which none can lead: take an odd number`,
    );
  }
  return voters;
}
