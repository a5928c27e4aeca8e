/**
 * One configuration key: what it is called is the table's business, what may stand behind it is told here. Types, ranges and defaults are
 * those of Kafka 4.2's ConfigDef; where ours differ, the key's `doc` says so. A key's TypeScript type follows from its row, so that
 * `config['log.retention.ms']` is a number and `config['log.message.timestamp.type']` one of two words.
 */

export type ConfigType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list';
export type ConfigValue = boolean | number | string | readonly string[] | null;
export type Importance = 'high' | 'medium' | 'low';
/** How it may change in a running broker: not at all, for one broker, for all of them. */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide';

/**
 * Stands for Java's Long.MAX_VALUE, which Kafka uses for "no limit". Safe for arithmetic and JSON, unlike Infinity. It must not reach a
 * timer: timers overflow far below.
 */
export const UNLIMITED = Number.MAX_SAFE_INTEGER;
export const INT_MAX = 2 ** 31 - 1;

export interface Validator {
  /** What is wrong with the value; undefined when nothing is. */
  readonly check: (value: Exclude<ConfigValue, null>) => string | undefined;
  /** For the documentation: "[1,...]". */
  readonly text: string;
}

/** A coarser key that gives the value when this one is not set, as log.retention.hours does for log.retention.ms. */
export interface Fallback {
  readonly key: string;
  /** How many of this key's units one unit of the other is. */
  readonly factor: number;
}

export interface ConfigKey<V extends ConfigValue = ConfigValue> {
  readonly type: ConfigType;
  readonly default: V;
  readonly valid: Validator | undefined;
  readonly importance: Importance;
  readonly updateMode: UpdateMode;
  readonly doc: string;
  /** Tried in order when the key is not set; then `default` counts. */
  readonly fallbacks: readonly Fallback[];
  /** Why it is taken (Kafka's files contain it) and changes nothing. */
  readonly noEffect: string | undefined;
}

export type ConfigTable = Readonly<Record<string, ConfigKey>>;
export type ValueOf<K> = K extends ConfigKey<infer V> ? V : never;

interface Spec {
  readonly doc: string;
  readonly importance?: Importance;
  readonly updateMode?: UpdateMode;
  readonly valid?: Validator;
  readonly fallbacks?: readonly Fallback[];
  readonly noEffect?: string;
}

type Number<D> = null extends D ? number | null : number;
type Text<D> = null extends D ? string | null : string;
type List<D> = null extends D ? readonly string[] | null : readonly string[];

export const boolean = (initial: boolean, spec: Spec): ConfigKey<boolean> =>
  row('boolean', initial, spec);
export const int = <D extends number | null>(initial: D, spec: Spec): ConfigKey<Number<D>> =>
  row('int', initial as Number<D>, spec);
export const short = <D extends number | null>(initial: D, spec: Spec): ConfigKey<Number<D>> =>
  row('short', initial as Number<D>, spec);
export const long = <D extends number | null>(initial: D, spec: Spec): ConfigKey<Number<D>> =>
  row('long', initial as Number<D>, spec);
export const double = (initial: number, spec: Spec): ConfigKey<number> =>
  row('double', initial, spec);
export const string = <D extends string | null>(initial: D, spec: Spec): ConfigKey<Text<D>> =>
  row('string', initial as Text<D>, spec);
export const list = <D extends readonly string[] | null>(
  initial: D,
  spec: Spec,
): ConfigKey<List<D>> => row('list', initial as List<D>, spec);
/** A string that is one of a few words. */
export const word = <const W extends string>(
  initial: NoInfer<W>,
  words: readonly W[],
  spec: Spec,
): ConfigKey<W> => row('string', initial, { ...spec, valid: oneOf(words) });

function row<V extends ConfigValue>(type: ConfigType, initial: V, spec: Spec): ConfigKey<V> {
  return {
    type,
    default: initial,
    valid: spec.valid,
    importance: spec.importance ?? 'medium',
    updateMode: spec.updateMode ?? 'read-only',
    doc: spec.doc,
    fallbacks: spec.fallbacks ?? [],
    noEffect: spec.noEffect,
  };
}

export const atLeast = (minimum: number): Validator => ({
  check: (value) => ((value as number) < minimum ? `must be at least ${minimum}` : undefined),
  text: `[${minimum},...]`,
});

export const between = (minimum: number, maximum: number): Validator => ({
  check: (value) =>
    atLeast(minimum).check(value) ??
    ((value as number) > maximum ? `must be no more than ${maximum}` : undefined),
  text: `[${minimum},...,${maximum}]`,
});

/** A time limit: -1 for none, or at least one. */
export const unlimitedOrPositive: Validator = {
  check: (value) =>
    value === -1 || (value as number) >= 1 ? undefined : 'must be -1 (no limit) or at least 1',
  text: '[-1] or [1,...]',
};

export const oneOf = (words: readonly string[]): Validator => ({
  check: (value) =>
    words.includes(value as string) ? undefined : `must be one of ${words.join(', ')}`,
  text: words.join(', '),
});

/** A list without duplicates and empty parts; of these words only, if any are given. */
export const listOf = (
  words: readonly string[],
  options: { readonly mayBeEmpty: boolean },
): Validator => ({
  check(value) {
    const parts = value as readonly string[];
    if (parts.length === 0 && !options.mayBeEmpty) return 'must not be empty';
    if (parts.some((part) => part === '')) return 'has an empty part';
    if (new Set(parts).size !== parts.length) return 'names something twice';
    const strange = words.length === 0 ? undefined : parts.find((part) => !words.includes(part));
    return strange === undefined ? undefined : `${strange} is not one of ${words.join(', ')}`;
  },
  text: [words.join(', '), options.mayBeEmpty ? 'may be empty' : 'not empty']
    .filter((part) => part !== '')
    .join('; '),
});
