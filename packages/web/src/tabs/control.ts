/**
 * What tabs and workers of one bus say to each other, over one BroadcastChannel that all of them hear. A connection has a BroadcastChannel of its own,
 * which only its two ends know: so a tab reaches the leader's worker without a SharedWorker to hand out ports, which would die with the tab that made it.
 *
 * Who has died is told by Web Locks, which the browser frees: the leader's, and one for each tab.
 */
export type ControlMessage =
  /** At the election, and then as a heartbeat. */
  | { readonly type: 'leading'; readonly epoch: number }
  | { readonly type: 'resigned'; readonly epoch: number }
  /** Whoever leads may say so now. */
  | { readonly type: 'whoLeads' }
  | {
      readonly type: 'connect';
      readonly epoch: number;
      /** Names the connection's own channel. */
      readonly connection: string;
      /** The lock that is free when the asking tab is gone. */
      readonly presence: string;
    }
  | { readonly type: 'accepted'; readonly connection: string };

export interface TabNames {
  /** Held by the worker that leads. */
  readonly leaderLock: string;
  /** Held by the one worker that decides whether the leader hangs. */
  readonly stealLock: string;
  readonly control: string;
  presence(id: string): string;
  connection(id: string): string;
}

export const tabNames = (name: string): TabNames => ({
  leaderLock: `odradek/${name}/leader`,
  stealLock: `odradek/${name}/steal`,
  control: `odradek/${name}`,
  presence: (id) => `odradek/${name}/tab/${id}`,
  connection: (id) => `odradek/${name}/connection/${id}`,
});

export const HEARTBEAT_MS = 500;
/** Without a heartbeat for so long, whoever holds the lock hangs. */
export const SILENCE_MS_MAX = 3_000;
