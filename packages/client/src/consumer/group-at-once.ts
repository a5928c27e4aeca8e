/** Where a program is loaded whole, from a disk: what groups need is there already (`#group-share` in package.json). */
import { GroupShare } from './group-share.ts';

export type LoadGroupShare = () => Promise<typeof GroupShare>;

export const loadGroupShare: LoadGroupShare = () => Promise.resolve(GroupShare);
