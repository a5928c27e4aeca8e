/** The table of a broker's configuration: every key that is taken, by Kafka's name, ours under `odradek.` where Kafka has none. */
import type { ValueOf } from './key.ts';
import { clusterKeys } from './keys/cluster.ts';
import { groupKeys } from './keys/groups.ts';
import { identityKeys } from './keys/identity.ts';
import { logKeys } from './keys/log.ts';
import { networkKeys } from './keys/network.ts';
import { topicDefaultKeys } from './keys/topics.ts';
import { keysWithoutEffect } from './keys/without-effect.ts';

export const brokerKeys = {
  ...identityKeys,
  ...clusterKeys,
  ...networkKeys,
  ...logKeys,
  ...topicDefaultKeys,
  ...groupKeys,
  ...keysWithoutEffect,
} as const;

export type BrokerKey = keyof typeof brokerKeys;
export type BrokerConfig = { readonly [K in BrokerKey]: ValueOf<(typeof brokerKeys)[K]> };

export const isBrokerKey = (name: string): name is BrokerKey => Object.hasOwn(brokerKeys, name);
