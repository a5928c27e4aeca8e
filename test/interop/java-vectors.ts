/** Asks Apache Kafka's own classes (golden/Vectors.java): one line of JSON a case in, one or more a case out. */
import { fileURLToPath } from 'node:url';
import type { Kafka } from '../support/java.ts';
import { keyCases, lifeCases } from './vector-cases.ts';

const PROGRAM = fileURLToPath(new URL('golden/Vectors.java', import.meta.url));
const TIMEOUT_MS = 120_000;

/** undefined: this Java runs programs but has no compiler. */
export const askJava = async (kafka: Kafka): Promise<readonly string[] | undefined> => {
  const cases = [...keyCases(), ...lifeCases()].map((it) => JSON.stringify(it));
  const { code, stdout, stderr } = await kafka.run(PROGRAM, [], {
    input: `${cases.join('\n')}\n`,
    timeoutMs: TIMEOUT_MS,
  });
  if (code !== 0 && /jdk\.compiler/.test(stderr)) {
    process.stderr.write(
      "Java tests: this Java has no compiler; install Debian's default-jdk-headless to make the vectors anew\n",
    );
    return undefined;
  }
  if (code !== 0) throw new Error(`the vectors' program ended with ${code}:\n${stderr}`);
  return stdout.toString().trimEnd().split('\n');
};
