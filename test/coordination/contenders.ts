/** Contenders as processes: started, stopped in their tracks, and what they have said. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Told {
  readonly fact: 'acquired' | 'held' | 'wrote' | 'lost' | 'failed' | 'gone';
  readonly name: string;
  readonly fence: number;
  /** Nanoseconds of the machine's monotonic clock. */
  readonly at: bigint;
  readonly reason?: string;
}

/** Natives, and what finds its files beside itself: without them the slower ways are taken. */
const EXTERNAL = ['@node-rs/crc32', 'bufferutil', 'utf-8-validate', '@bokuweb/zstd-wasm'];

export async function bundleContender(folder: string): Promise<string> {
  const outfile = join(folder, 'contender.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('contender.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    external: EXTERNAL,
    banner: {
      js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
    },
  });
  return outfile;
}

export class Contender implements AsyncDisposable {
  readonly name: string;
  readonly told: Told[] = [];
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  #rest = '';
  #errors = '';

  constructor(program: string, name: string, args: readonly string[]) {
    this.name = name;
    this.#child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    this.exited = new Promise((resolve) => this.#child.on('close', () => resolve()));
  }

  get errors(): string {
    return this.#errors;
  }

  /** The fence under which it works now, by its own word. */
  get holds(): number | undefined {
    const last = this.told.findLast((it) => it.fact !== 'failed');
    return last !== undefined && ['acquired', 'held', 'wrote'].includes(last.fact)
      ? last.fence
      : undefined;
  }

  get fences(): readonly number[] {
    return this.told.filter((it) => it.fact === 'acquired').map((it) => it.fence);
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Orderly: it gives back what it has. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const { at = '0', ...told } = JSON.parse(line) as Omit<Told, 'at'> & { at?: string };
      this.told.push({ ...told, at: BigInt(at) });
    }
  }
}
