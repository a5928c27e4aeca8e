export {
  connectionContract,
  type ConnectedPair,
  type ConnectionContractLimits,
  type ConnectionContractSetup,
} from './connection-contract.ts';
export { ManualClock } from './manual-clock.ts';
export { seededRandom } from './seeded-random.ts';
export { volumeContract, type VolumeSetup } from './volume-contract.ts';
