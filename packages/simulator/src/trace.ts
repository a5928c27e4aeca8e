/**
 * What happened, in two forms: a hash over every event, by which two runs of one seed are compared; and the last lines that
 * people can read, of each process and of the whole. Lines are made only when they are kept.
 */
import type { Process } from './time/process.ts';

export interface TraceLine {
  readonly atMs: number;
  readonly who: string;
  readonly text: string;
}

/** Enough to see what led to a violation, little enough for thousands of seeds. */
const LINES_EACH = 60;
const MILESTONES_MAX = 400;

const scratch = (): { float: Float64Array; words: Uint32Array } => {
  const float = new Float64Array(1);
  return { float, words: new Uint32Array(float.buffer) };
};

export class Trace {
  #low = 0x811c9dc5;
  #high = 0x01000193;
  readonly #scratch = scratch();
  readonly #kinds = new Map<string, number>();
  /** By who speaks. */
  readonly #lines = new Map<string, TraceLine[]>();
  readonly #milestones: TraceLine[] = [];
  readonly #print: ((line: TraceLine) => void) | undefined;
  #nowMs = 0;

  /** With `print` every line is told at once. */
  constructor(print?: (line: TraceLine) => void) {
    this.#print = print;
  }

  event(atMs: number, process: Process | undefined, kind: string): void {
    this.#nowMs = atMs;
    this.#scratch.float[0] = atMs;
    this.mix(this.#scratch.words[0]!);
    this.mix(this.#scratch.words[1]!);
    this.mix((process?.id ?? 0) * 64 + this.#numberOf(kind));
  }

  /** Anything that should be the same in every run. */
  mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193);
    this.#high = Math.imul(this.#high ^ (word >>> 7) ^ this.#low, 0x85ebca6b);
  }

  /** The bytes of a message. */
  mixBytes(bytes: Uint8Array): void {
    let low = this.#low;
    for (let i = 0; i < bytes.length; i += 1) low = Math.imul(low ^ bytes[i]!, 0x01000193);
    this.#low = low;
    this.mix(bytes.length);
  }

  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  /** A line about one process. */
  say(who: string, text: string): TraceLine {
    const line = { atMs: this.#nowMs, who, text };
    const lines = this.#lines.get(who);
    if (lines === undefined) this.#lines.set(who, [line]);
    else {
      lines.push(line);
      if (lines.length > LINES_EACH * 2) lines.splice(0, LINES_EACH);
    }
    this.#print?.(line);
    return line;
  }

  /** A line that belongs into the shortest account of the history: faults, starts, ends. */
  milestone(who: string, text: string): void {
    this.#milestones.push(this.say(who, text));
    if (this.#milestones.length > MILESTONES_MAX * 2) this.#milestones.splice(0, MILESTONES_MAX);
  }

  get milestones(): readonly TraceLine[] {
    return this.#milestones.slice(-MILESTONES_MAX);
  }

  lastLines(who: string, count = LINES_EACH): readonly TraceLine[] {
    return (this.#lines.get(who) ?? []).slice(-count);
  }

  get speakers(): readonly string[] {
    return [...this.#lines.keys()];
  }

  #numberOf(kind: string): number {
    let number = this.#kinds.get(kind);
    if (number === undefined) this.#kinds.set(kind, (number = this.#kinds.size));
    return number;
  }
}

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
