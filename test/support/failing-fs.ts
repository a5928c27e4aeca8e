/** The real file system, until it is told to fail: a call on files of some name gives an error, some times or from now on. */
import * as nodeFs from 'node:fs';
import { openNodeVolume } from '@odradek/storage/node';
import type { Volume } from '@odradek/ports';

type NodeFs = NonNullable<Parameters<typeof openNodeVolume>[0]['fs']>;
type Call = keyof NodeFs;
type Callback = (error: NodeJS.ErrnoException | null, ...results: unknown[]) => void;

/** Calls that name their file by descriptor. */
const BY_DESCRIPTOR: readonly Call[] = [
  'close',
  'read',
  'writev',
  'fstat',
  'ftruncate',
  'fdatasync',
  'fsync',
];
const BY_PATH: readonly Call[] = ['open', 'stat', 'readdir', 'mkdir', 'rmdir', 'unlink'];
/** Calls that know an old and a new name: the new one is meant. */
const BY_NEW_PATH: readonly Call[] = ['rename', 'link'];

interface Failure {
  readonly call: Call;
  readonly file: RegExp;
  readonly code: string;
  times: number;
}

export class FailingFs {
  readonly #paths = new Map<number, string>();
  #failures: Failure[] = [];
  /** How many calls were failed. */
  failed = 0;

  /** The next `times` calls on files whose path fits give this error; all of them when it is left out. */
  fail(call: Call, file: RegExp, code: string, times = Infinity): void {
    this.#failures.push({ call, file, code, times });
  }

  heal(): void {
    this.#failures = [];
  }

  readonly openVolume = (directory: string): Promise<Volume> =>
    openNodeVolume({ directory, fs: this.#fs() });

  #fs(): NodeFs {
    const wrap = (call: Call, pathOf: (args: readonly unknown[]) => string) => [
      call,
      (...args: unknown[]): void => {
        const done = args.at(-1) as Callback;
        const path = pathOf(args);
        const failure = this.#failures.find(
          (it) => it.call === call && it.times > 0 && it.file.test(path),
        );
        if (failure !== undefined) {
          failure.times -= 1;
          this.failed += 1;
          setImmediate(
            done,
            Object.assign(new Error(`${failure.code}: ${call}`), { code: failure.code }),
          );
          return;
        }
        if (call === 'open') args[args.length - 1] = this.#remember(path, done);
        (nodeFs[call] as (...all: unknown[]) => void)(...args);
      },
    ];
    return Object.fromEntries([
      ...BY_DESCRIPTOR.map((call) => wrap(call, ([fd]) => this.#paths.get(fd as number) ?? '')),
      ...BY_PATH.map((call) => wrap(call, ([path]) => String(path))),
      ...BY_NEW_PATH.map((call) => wrap(call, ([, path]) => String(path))),
    ]) as NodeFs;
  }

  #remember(path: string, done: Callback): Callback {
    return (error, fd) => {
      if (error === null) this.#paths.set(fd as number, path);
      done(error, fd);
    };
  }
}
