/**
 * A real Apache Kafka beside us, from its own jars with its default settings: a broker and a controller in one process, as its
 * quickstart starts it. Needs Java 17 and Maven; without them it says so.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pinned, type Child, type Core } from './processes.ts';
import { ask, type Target } from './wire.ts';
import { apiVersionsRequest, apiVersionsResponse } from '@odradek/protocol';

export interface KafkaPeer extends Child<true> {
  readonly target: Target;
  /** Its folder was formatted before: that is no part of a start. */
  readonly spawnedAt: number;
}

const VERSION = '4.1.0';

export const kafkaPeer = async (
  root: string,
  folder: string,
  progress: (line: string) => void,
  core: Core,
): Promise<KafkaPeer> => {
  const jars = fetchJars(root, progress);
  const [port, controllerPort] = [await freePort(), await freePort()];
  const directory = mkdtempSync(join(folder, 'kafka-'));
  const properties = join(directory, 'server.properties');
  writeFileSync(
    properties,
    [
      'process.roles=broker,controller',
      'node.id=1',
      `controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}`,
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'controller.listener.names=CONTROLLER',
      'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      'inter.broker.listener.name=PLAINTEXT',
      `log.dirs=${join(directory, 'logs')}`,
      'offsets.topic.replication.factor=1',
      'transaction.state.log.replication.factor=1',
      'transaction.state.log.min.isr=1',
      '',
    ].join('\n'),
  );
  const classpath = `${jars}/*`;
  execFileSync(
    'java',
    [
      '-cp',
      classpath,
      'kafka.tools.StorageTool',
      'format',
      '--standalone',
      '-t',
      'MkU3OEVBNTcwNTJENDM2Qg',
      '-c',
      properties,
    ],
    {
      stdio: 'ignore',
    },
  );
  return startAndAsk(classpath, properties, { host: '127.0.0.1', port }, core);
};

const startAndAsk = async (
  classpath: string,
  properties: string,
  target: Target,
  core: Core,
): Promise<KafkaPeer> => {
  const [program, args] = pinned(core, 'java', [
    '-Xms1G',
    '-Xmx1G',
    '-XX:+UseG1GC',
    '-cp',
    classpath,
    'kafka.Kafka',
    properties,
  ]);
  const spawnedAt = performance.now();
  const process = spawn(program, args, { stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => process.once('exit', () => resolve()));
  for (;;) {
    try {
      await ask(target, { request: apiVersionsRequest, response: apiVersionsResponse }, 0, {});
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return {
    process,
    ready: true,
    target,
    spawnedAt,
    async stop() {
      process.kill('SIGKILL');
      await exited;
    },
  };
};

const fetchJars = (root: string, progress: (line: string) => void): string => {
  const directory = join(root, '.cache', `kafka-${VERSION}`);
  const jars = join(directory, 'lib');
  if (existsSync(jars)) return jars;
  progress(`   fetching Apache Kafka ${VERSION} with Maven`);
  mkdirSync(directory, { recursive: true });
  const dependency = (artifact: string, version = VERSION, group = 'org.apache.kafka'): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  writeFileSync(
    join(directory, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>peer</groupId><artifactId>peer</artifactId><version>1</version><dependencies>${dependency('kafka_2.13')}${dependency('kafka-tools')}${dependency('slf4j-nop', '1.7.36', 'org.slf4j')}</dependencies></project>`,
  );
  try {
    execFileSync('mvn', ['-q', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`], {
      cwd: directory,
      stdio: 'ignore',
    });
  } catch (cause) {
    throw new Error(
      'Apache Kafka cannot be had: --peer kafka needs java 17, mvn and a reachable Maven repository',
      { cause },
    );
  }
  return jars;
};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
