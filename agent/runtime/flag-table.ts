// Command lines of both processes: one table of flags per process, read by node:util parseArgs; `--help` and docs/flags.md come from the same table.
import { parseArgs } from 'node:util';
import { CodedError } from './coded-error.ts';

/** `duration` is written like 500ms, 15s, 1m, 1h and read as ms; `address` is host:port. */
export type FlagType = 'string' | 'strings' | 'boolean' | 'integer' | 'duration' | 'address';

export interface Flag {
  readonly type: FlagType;
  /** As it would be written on the command line; undefined: unset. */
  readonly default?: string;
  readonly help: string;
  /** For integer and duration (ms). */
  readonly min?: number;
  readonly max?: number;
  /** For string. */
  readonly oneOf?: readonly string[];
}

export type FlagTable = Readonly<Record<string, Flag>>;

export interface Address {
  readonly host: string;
  readonly port: number;
}

type ValueOf<T extends FlagType> = T extends 'boolean'
  ? boolean
  : T extends 'integer' | 'duration'
    ? number
    : T extends 'strings'
      ? readonly string[]
      : T extends 'address'
        ? Address
        : string;

/** A flag without default may be undefined (strings: empty, boolean: false). */
export type FlagValues<T extends FlagTable> = {
  readonly [K in keyof T]: T[K] extends { default: string }
    ? ValueOf<T[K]['type']>
    : T[K]['type'] extends 'strings' | 'boolean'
      ? ValueOf<T[K]['type']>
      : ValueOf<T[K]['type']> | undefined;
};

/**
 * @param argv without node and script
 * @throws CodedError bad_flag naming the flag, the value and what is allowed
 */
export function parseFlags<T extends FlagTable>(table: T, argv: readonly string[]): FlagValues<T> {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, flag]) => [
      name,
      { type: flag.type === 'boolean' ? ('boolean' as const) : ('string' as const), multiple: flag.type === 'strings' },
    ]),
  );
  let raw: Record<string, string | boolean | (string | boolean)[] | undefined>;
  try {
    raw = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false, allowNegative: true }).values;
  } catch (cause) {
    throw new CodedError('bad_flag', `${(cause as Error).message} (--help lists the flags)`, cause);
  }
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(table)) values[name] = readFlag(name, flag, raw[name] ?? undefined);
  return values as FlagValues<T>;
}

/** Help text: a line a flag, in the table's order. */
export function describeFlags(table: FlagTable): string {
  return Object.entries(table)
    .map(
      ([name, flag]) =>
        `  --${name} (${flag.type}${flag.default === undefined ? '' : `, default ${flag.default}`})\n      ${flag.help}`,
    )
    .join('\n');
}

function readFlag(name: string, flag: Flag, given: string | boolean | (string | boolean)[] | undefined): unknown {
  if (flag.type === 'boolean') return given ?? flag.default === 'true';
  if (flag.type === 'strings') {
    return (Array.isArray(given) ? given : flag.default === undefined ? [] : [flag.default]).flatMap((part) =>
      String(part).split(','),
    );
  }
  const text = given === undefined ? flag.default : String(given);
  if (text === undefined) return undefined;
  switch (flag.type) {
    case 'integer':
      return inRange(name, flag, text, /^-?\d+$/.test(text) ? Number(text) : NaN, 'a whole number');
    case 'duration':
      return inRange(name, flag, text, durationMs(text), 'a duration like 500ms, 15s or 1m');
    case 'address':
      return readAddress(name, text);
    case 'string':
      if (flag.oneOf && !flag.oneOf.includes(text)) throw bad(name, text, `one of ${flag.oneOf.join(', ')}`);
      return text;
  }
}

function inRange(name: string, flag: Flag, text: string, value: number, form: string): number {
  const { min = -Infinity, max = Infinity } = flag;
  if (!(value >= min && value <= max)) {
    throw bad(name, text, form + rangeText(flag));
  }
  return value;
}

function rangeText({ min, max, type }: Flag): string {
  const unit = type === 'duration' ? ' ms' : '';
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}${unit}`;
  if (min !== undefined) return ` from ${min}${unit} on`;
  return max === undefined ? '' : ` up to ${max}${unit}`;
}

function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) return NaN;
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
  return Number(match[1]) * unit;
}

/** An address in brackets may be IPv4 too: manifests write `[$(POD_IP)]:9469` for either family. */
function readAddress(name: string, text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw bad(name, text, 'host:port with a port from 0 to 65535');
  return { host: match[1] ?? match[2] ?? '', port };
}

function bad(name: string, text: string, form: string): CodedError {
  return new CodedError('bad_flag', `--${name}=${text}: must be ${form}`);
}
