/**
 * UpdateFeatures: key 57, versions 0 to 2, flexible from 0.
 *
 * 1: kinds of downgrade, trial runs. 2: all or nothing.
 */
import { array, boolean, errorCode, int8, int16, int32, string } from '../schema/fields.ts';
import { type Body, message } from '../schema/message.ts';
import { errorMessage, throttleTimeMs } from './words.ts';

/** Raises or lowers the finalised versions of features (KIP-584). */
export const updateFeaturesRequest = /*@__PURE__*/ message(
  { key: 57, name: 'UpdateFeaturesRequest', versions: [0, 2], flexible: 0 },
  () => ({
    timeoutMs: int32({ default: 60000 }),
    featureUpdates: array({
      feature: string(),
      /** Below 1: delete the feature. */
      maxVersionLevel: int16(),
      allowDowngrade: boolean({ until: 0 }),
      /** 1: upgrade. 2: safe downgrade. 3: unsafe downgrade. */
      upgradeType: int8({ since: 1, default: 1 }),
    }),
    validateOnly: boolean({ since: 1, default: false }),
  }),
);
export type UpdateFeaturesRequest = Body<typeof updateFeaturesRequest>;

/** FEATURE_UPDATE_FAILED, INVALID_UPDATE_VERSION, INVALID_REQUEST, NOT_CONTROLLER. */
export const updateFeaturesResponse = /*@__PURE__*/ message(
  { key: 57, name: 'UpdateFeaturesResponse', versions: [0, 2], flexible: 0 },
  () => ({
    throttleTimeMs: throttleTimeMs(),
    errorCode: errorCode(),
    errorMessage: errorMessage(),
    results: array(
      {
        feature: string(),
        errorCode: errorCode(),
        errorMessage: errorMessage(),
      },
      { until: 1 },
    ),
  }),
);
export type UpdateFeaturesResponse = Body<typeof updateFeaturesResponse>;
