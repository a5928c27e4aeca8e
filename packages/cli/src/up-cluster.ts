/**
 * `odradek up --brokers 3`: a cluster for development. Each broker is this command once more, in a process of its own, so that one can be
 * killed as a machine would be. This process passes their logs on, says when one has ended, and stops all of them when it is told to.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterBanner, describeCluster } from './cluster-banner.ts';
import type { Started } from './cluster-banner.ts';
import {
  LAYOUT_FILE,
  checkBrokerCount,
  dataFolder,
  formatLayout,
  optionsOf,
  planLayout,
  readLayout,
  refuseSingleBroker,
} from './cluster-layout.ts';
import type { ClusterLayout } from './cluster-layout.ts';
import type { UpOptions } from './commands/up.ts';
import { linesOf } from './lines.ts';
import { labelFor } from './log-label.ts';
import { say } from './messages.ts';
import { EXIT_FAILURE, EXIT_OK, UsageError } from './world.ts';
import type { Child, ChildEnd, World } from './world.ts';

/** The pause before a broker is started again, doubled each time until it has been up for a while. */
export const RESTART: RestartPolicy = { firstMs: 500, maxMs: 30_000, settledMs: 60_000 };

export interface RestartPolicy {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly settledMs: number;
}

/** A majority that stops together cannot always be let go by a controller that stops too: it waits so long, then goes without. */
const KILL_AFTER_MS = 30_000;

export async function upCluster(
  options: UpOptions,
  world: World,
  restart: RestartPolicy = RESTART,
): Promise<number> {
  const count = options.brokers ?? 0;
  refuseContradictions(options, count);
  const folder = dataFolder(options, world);
  const isKept = options.memory !== true;
  const remembered = isKept ? await readLayout(folder, world) : undefined;
  const layout = await planLayout(count, options, remembered, world);
  if (isKept) {
    await refuseSingleBroker(folder, world);
    await world.writeFile(`${folder}/${LAYOUT_FILE}`, formatLayout(layout));
  }
  return new Supervisor(options, world, layout, folder, restart).run();
}

function refuseContradictions({ nodeId, http, memory, restart }: UpOptions, brokers: number): void {
  checkBrokerCount(brokers);
  if (nodeId !== undefined)
    throw new UsageError('--node-id is for one broker, --brokers for all of them: take one');
  if (!http) throw new UsageError('--no-http: the brokers of a cluster talk over HTTP');
  if (memory && restart)
    throw new UsageError(
      '--restart --memory: a broker that has forgotten its vote must not come back as the same',
    );
}

class Supervisor {
  readonly #options: UpOptions;
  readonly #world: World;
  readonly #layout: ClusterLayout;
  readonly #folder: string;
  readonly #restart: RestartPolicy;
  readonly #running = new Map<number, Child>();
  readonly #stop = new AbortController();
  readonly #nodeIds: readonly number[];

  constructor(
    options: UpOptions,
    world: World,
    layout: ClusterLayout,
    folder: string,
    restart: RestartPolicy,
  ) {
    this.#options = options;
    this.#world = world;
    this.#layout = layout;
    this.#folder = folder;
    this.#restart = restart;
    this.#nodeIds = Array.from({ length: layout.brokers }, (_, index) => index + 1);
  }

  async run(): Promise<number> {
    const { monotonicMs } = this.#world;
    let signals = 0;
    let stopping: Promise<boolean> | undefined;
    const stopAll = (): Promise<boolean> => (stopping ??= this.#stopInOrder());
    const forget = this.#world.onSignal((exitCode) => {
      signals += 1;
      if (signals === 1) void stopAll();
      else {
        for (const child of this.#running.values()) child.kill('SIGKILL');
        this.#world.exit(exitCode);
      }
    });
    try {
      const brokers = this.#nodeIds.map((nodeId) => this.#start(nodeId));
      const started = await Promise.all(brokers.map(({ up }) => up));
      const failed = started.find((each) => 'end' in each);
      if (failed !== undefined) {
        const wasStopped = signals > 0;
        await stopAll();
        return wasStopped ? EXIT_OK : exitCodeOf(failed.end);
      }
      await this.#tellAllUp(
        started.filter((each) => 'where' in each).map(({ where }) => where),
        monotonicMs(),
      );
      await Promise.all(brokers.map(({ over }) => over));
      return (await stopping) === true ? EXIT_OK : EXIT_FAILURE;
    } finally {
      forget();
    }
  }

  /** `up` says once how its first start went; `over` resolves when it has ended and is not started again. */
  #start(nodeId: number): {
    readonly up: Promise<Began>;
    readonly over: Promise<ChildEnd>;
  } {
    let began: (how: Began) => void = () => {};
    const up = new Promise<Began>((resolve) => (began = resolve));
    const live = async (): Promise<ChildEnd> => {
      for (let pauseMs = this.#restart.firstMs; ;) {
        const beganMs = this.#world.monotonicMs();
        const end = await this.#runOnce(nodeId, (where) => began({ where }));
        const isOver = this.#stop.signal.aborted || !this.#options.restart;
        await this.#tellEnd(nodeId, end, isOver ? undefined : pauseMs);
        began({ end });
        if (isOver) return end;
        if (this.#world.monotonicMs() - beganMs >= this.#restart.settledMs)
          pauseMs = this.#restart.firstMs;
        await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {});
        if (this.#stop.signal.aborted) return end;
        pauseMs = Math.min(2 * pauseMs, this.#restart.maxMs);
      }
    };
    return { up, over: live() };
  }

  async #runOnce(nodeId: number, onUp: (where: Started) => void): Promise<ChildEnd> {
    const args = argumentsOf(optionsOf(this.#layout, nodeId, this.#folder, this.#options));
    const child = await this.#world.spawnSelf(args);
    this.#running.set(nodeId, child);
    if (this.#stop.signal.aborted) child.kill('SIGTERM');
    const watch = async (): Promise<void> => {
      for await (const lines of linesOf(child.stdout))
        for (const line of lines) onUp(JSON.parse(Buffer.from(line).toString()) as Started);
    };
    const [end] = await Promise.all([child.ended, watch(), this.#passOn(nodeId, child)]);
    this.#running.delete(nodeId);
    return end;
  }

  async #passOn(nodeId: number, { stderr }: Child): Promise<void> {
    const label = await labelFor(this.#world, nodeId);
    for await (const lines of linesOf(stderr))
      await this.#world.stderr.write(
        lines.map((line) => label(Buffer.from(line).toString())).join(''),
      );
  }

  async #tellAllUp(started: readonly Started[], tookMs: number): Promise<void> {
    const { stdout } = this.#world;
    if (this.#options.json) await stdout.write(`${JSON.stringify(describeCluster(started))}\n`);
    else if (!this.#options.quiet) await stdout.write(clusterBanner(started, this.#world, tookMs));
  }

  async #tellEnd(nodeId: number, end: ChildEnd, againInMs: number | undefined): Promise<void> {
    if (this.#stop.signal.aborted && end.code === EXIT_OK) return;
    const how =
      end.error?.message ??
      (end.signal === null ? `with exit code ${end.code}` : `by ${end.signal}`);
    const next =
      againInMs !== undefined
        ? `it is started again in ${againInMs} ms`
        : this.#options.memory
          ? 'its memory is gone with it'
          : `bring it back: odradek up --node-id ${nodeId} --data-dir ${this.#folder}`;
    await say(
      this.#world,
      `odradek: broker ${nodeId} ended ${how}${this.#stop.signal.aborted ? '' : `; ${next}`}`,
    );
  }

  /**
   * While a majority is left, one after another: each hands what it leads to those that stay. The last majority goes together, for alone
   * none of it could agree on anything any more. Whether all of them ended well.
   */
  async #stopInOrder(): Promise<boolean> {
    this.#stop.abort();
    const running = [...this.#running].reverse();
    const majority = Math.floor(this.#layout.brokers / 2) + 1;
    const spared = Math.max(0, running.length - majority);
    const ends: ChildEnd[] = [];
    for (const [, child] of running.slice(0, spared)) ends.push(await stopped(child));
    ends.push(...(await Promise.all(running.slice(spared).map(([, child]) => stopped(child)))));
    return ends.every(({ code }) => code === EXIT_OK);
  }
}

type Began = { readonly where: Started } | { readonly end: ChildEnd };

async function stopped(child: Child): Promise<ChildEnd> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  const end = await child.ended;
  clearTimeout(timer);
  return end;
}

/** What the person typed wrong is wrong for each of them, and was told by it. */
const exitCodeOf = ({ code }: ChildEnd): number => code || EXIT_FAILURE;

/** As `odradek up` takes them. */
const argumentsOf = (options: UpOptions): readonly string[] => [
  'up',
  '--json',
  ...flag('--node-id', options.nodeId),
  ...(options.memory ? ['--memory'] : flag('--data-dir', options.dataDir)),
  ...flag('--host', options.host),
  ...flag('--port', options.port),
  ...flag('--http-port', options.httpPort),
  ...(options.config ?? []).flatMap((path) => flag('--config', path)),
  ...(options.set ?? []).flatMap((entry) => flag('--set', entry)),
  ...flag('--log-level', options.logLevel),
  ...(options.quiet ? ['--quiet'] : []),
];

const flag = (name: string, value: string | number | undefined): readonly string[] =>
  value === undefined ? [] : [`${name}=${value}`];
