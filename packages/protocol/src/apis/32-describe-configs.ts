/**
 * DescribeConfigs: key 32, versions 1 to 4, flexible from 4.
 *
 * 1: where a value comes from. 3: types and documentation (KIP-569).
 */
import { array, boolean, errorCode, int8, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Tells the configuration of topics, brokers and groups. */
export const describeConfigsRequest = /*@__PURE__*/ message(
  { key: 32, name: 'DescribeConfigsRequest', versions: [1, 4], flexible: 4 },
  () => ({
    resources: array({
      /** 2: topic. 4: broker. 8: broker logger. 16: client metrics. 32: group. */
      resourceType: int8(),
      resourceName: string(),
      /** Null: all. */
      configurationKeys: array(string(), { nullable: true }),
    }),
    includeSynonyms: boolean({ default: false }),
    includeDocumentation: boolean({ since: 3, default: false }),
  }),
);
export type DescribeConfigsRequest = Body<typeof describeConfigsRequest>;

/**
 * UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, INVALID_REQUEST, TOPIC_AUTHORIZATION_FAILED.
 */
export const describeConfigsResponse = /*@__PURE__*/ message(
  { key: 32, name: 'DescribeConfigsResponse', versions: [1, 4], flexible: 4 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    results: array({
      errorCode: errorCode(),
      errorMessage: errorMessage(),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: true }),
        readOnly: boolean(),
        /** 1: topic. 2: this broker. 3: all brokers. 4: the broker's file. 5: built in. 8: group. */
        configSource: int8({ default: -1 }),
        isSensitive: boolean(),
        /** All places that have the key, the one that counts first. */
        synonyms: array({
          name: string(),
          value: string({ nullable: true }),
          source: int8(),
        }),
        configType: int8({ since: 3, default: 0 }),
        documentation: string({ since: 3, nullable: true, default: null }),
      }),
    }),
  }),
);
export type DescribeConfigsResponse = Body<typeof describeConfigsResponse>;
