export type { BacklogSnapshot, Fate } from './backlog.ts';
export type { Notice, NoticeKind } from './ledger.ts';
export { Outbox, OutboxFull } from './outbox.ts';
export type { Appended, OutboxOptions } from './outbox.ts';
export { OtherCluster, OutboxSender } from './outbox-sender.ts';
export type { OutboxSenderOptions } from './outbox-sender.ts';
export { SenderFenced } from './journal.ts';
export type { RefusedLetter } from './refused.ts';
