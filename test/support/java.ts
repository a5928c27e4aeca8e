/**
 * Apache Kafka's own programs, for comparison: its jars are fetched by Maven, once, into .cache/, and run with the `java`
 * that is installed. Nobody needs them: where Java, Maven or the jars cannot be had, `findKafka` says so in one line on
 * stderr and gives undefined.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { run, type Finished } from './run.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const POM = join(ROOT, 'test/java/pom.xml');
const JAVA_VERSION_MIN = 17;
const FETCH_TIMEOUT_MS = 300_000;
/** Start-up is most of what a tool takes: no second compiler, no parallel collector, no logging. */
const JAVA_FLAGS = [
  '-Xmx256m',
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
];

export interface Kafka {
  /** Of Apache Kafka: "4.3.1" */
  readonly version: string;
  /** The arguments for `java` that run a class of Kafka's. */
  command(mainClass: string, ...args: string[]): string[];
  run(
    mainClass: string,
    args: readonly string[],
    options?: { input?: string; timeoutMs?: number },
  ): Promise<Finished>;
}

export const kafkaVersion = (): string =>
  /<kafka\.version>([^<]+)</.exec(readFileSync(POM, 'utf8'))![1]!;

export const findKafka = async (): Promise<Kafka | undefined> => {
  const version = kafkaVersion();
  const jars = join(ROOT, '.cache', `kafka-${version}`);
  if (javaVersion() < JAVA_VERSION_MIN) {
    return without(
      `install a Java of ${JAVA_VERSION_MIN} or newer, such as Debian's default-jre-headless`,
    );
  }
  if (!existsSync(jars)) {
    const problem = await fetchJars(jars);
    if (problem !== undefined) return without(problem);
  }
  const command = (mainClass: string, ...args: string[]): string[] => [
    ...JAVA_FLAGS,
    '-cp',
    join(jars, '*'),
    mainClass,
    ...args,
  ];
  return {
    version,
    command,
    run: (mainClass, args, options) => run('java', command(mainClass, ...args), options),
  };
};

const without = (advice: string): undefined => {
  process.stderr.write(
    `Java tests: ${advice}; without it there is no comparison with Apache Kafka\n`,
  );
};

/** 0: there is none. */
const javaVersion = (): number => {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0);
};

/** What to do about it when it does not work. */
const fetchJars = async (folder: string): Promise<string | undefined> => {
  const part = `${folder}.${process.pid}.part`;
  try {
    const args = [
      '-q',
      '-B',
      '-f',
      POM,
      'dependency:copy-dependencies',
      `-DoutputDirectory=${part}`,
    ];
    await promisify(execFile)('mvn', args, { timeout: FETCH_TIMEOUT_MS });
    renameSync(part, folder);
    return undefined;
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return "install Maven, Debian's package maven";
    // Another run that fetched them at the same time is as good.
    return existsSync(folder)
      ? undefined
      : "Maven could not fetch Apache Kafka's jars: try again where its registry can be reached";
  }
};
