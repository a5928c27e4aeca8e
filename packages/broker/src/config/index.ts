export { parseBrokerConfig, refuseValue } from './broker-config.ts';
export type {
  ConfigEntry,
  ConfigLayers,
  ConfigProblem,
  ParsedBrokerConfig,
} from './broker-config.ts';
export { brokerKeys, isBrokerKey } from './broker-keys.ts';
export type { BrokerConfig, BrokerKey } from './broker-keys.ts';
export { ConfigSource, describeBrokerConfig, describeTopicConfig } from './describe.ts';
export type { BrokerSettings, ConfigDescription, ConfigSynonym } from './describe.ts';
export { parseEnvironment } from './environment.ts';
export { UNLIMITED } from './key.ts';
export type { ConfigKey, ConfigTable, ConfigType, ConfigValue } from './key.ts';
export { replicaSelectorOf } from './keys/cluster.ts';
export { formatListener, parseListener } from './listeners.ts';
export type { ListenerAddress, ListenerConfig, ListenerProtocol } from './listeners.ts';
export { parseProperties } from './properties.ts';
export {
  AlterOperation,
  alterTopicConfig,
  effectiveTopicConfig,
  parseTopicConfig,
} from './topic-config.ts';
export type { ConfigAlteration, ParsedTopicConfig, TopicOverrides } from './topic-config.ts';
export { isTopicKey, topicKeys } from './topic-keys.ts';
export type { TopicConfig, TopicKey } from './topic-keys.ts';
export { nearest, unsupportedKeys } from './unsupported-keys.ts';
export { formatValue } from './value.ts';
export type { Voter } from './voters.ts';
