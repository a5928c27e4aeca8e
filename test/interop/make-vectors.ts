/** Writes golden/*.jsonl: what Apache Kafka's classes make of the cases. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { findKafka } from '../support/java.ts';
import { askJava } from './java-vectors.ts';

const kafka = await findKafka();
const lines = kafka && (await askJava(kafka));
if (lines === undefined) process.exit(1);
const isHash = (line: string): boolean => line.startsWith('{"key"');
const keep = (name: string, kept: readonly string[]) =>
  writeFile(
    fileURLToPath(new URL(`golden/${name}.jsonl`, import.meta.url)),
    `${kept.join('\n')}\n`,
  );
await keep('murmur2', lines.filter(isHash));
await keep(
  'assignments',
  lines.filter((line) => !isHash(line)),
);
