/** The environment's failures as this package reports them. Each message says what to do. */

export interface LogEnd {
  /** -1 without records. */
  readonly epoch: number;
  readonly offset: number;
}

/** Bytes that were flushed are not what was written. Nothing has been cut: the files are as they were found. */
export class LogCorruptError extends Error {
  override readonly name = 'LogCorruptError';
  readonly file: string;
  readonly position: number;
  /** Where the log ends nevertheless, and in which epoch, if that can be told. */
  readonly end: LogEnd | undefined;
  constructor(
    file: string,
    position: number,
    what: string,
    options: { cause?: unknown; end?: LogEnd | undefined } = {},
  ) {
    super(
      `${file} is damaged at byte ${position}: ${what}. Nothing was cut. Let the replica be rebuilt from its peers, or restore the file; kafka-dump-log shows what is readable`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.file = file;
    this.position = position;
    this.end = options.end;
  }
}

/** The folder belongs to another topic of the same name. */
export class InconsistentTopicIdError extends Error {
  override readonly name = 'InconsistentTopicIdError';
  constructor(folder: string, found: string, expected: string) {
    super(
      `${folder} holds the topic with id ${found}, not ${expected}: a topic of the same name was deleted and made again. Move the folder away or delete it`,
    );
  }
}

/** Used after `close` or `delete`, or while another exclusive operation is under way. */
export class LogClosedError extends Error {
  override readonly name = 'LogClosedError';
  constructor(folder: string, what = 'is closed') {
    super(`the log ${folder} ${what}`);
  }
}

/** A broken invariant: a bug, here or in a caller. */
export function assert(condition: unknown, message: string): asserts condition {
  if (condition !== true && !condition) throw new Error(`invariant broken: ${message}`);
}

export const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));
