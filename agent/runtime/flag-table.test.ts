import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from './coded-error.ts';
import { describeFlags, parseFlags } from './flag-table.ts';
import type { FlagTable } from './flag-table.ts';

const TABLE = {
  name: { type: 'string', help: 'A name.' },
  level: { type: 'string', default: 'info', oneOf: ['info', 'warn'], help: 'A level.' },
  url: { type: 'strings', help: 'URLs.' },
  fast: { type: 'boolean', help: 'Fast.' },
  safe: { type: 'boolean', default: 'true', help: 'Safe.' },
  count: { type: 'integer', default: '3', min: 1, max: 10, help: 'A count.' },
  wait: { type: 'duration', default: '15s', min: 500, help: 'A time.' },
  listen: { type: 'address', default: '127.0.0.1:9469', help: 'An address.' },
} as const satisfies FlagTable;

function refusal(...argv: string[]): CodedError {
  try {
    parseFlags(TABLE, argv);
  } catch (err) {
    if (err instanceof CodedError) return err;
    throw err;
  }
  throw new Error(`${argv.join(' ')} was taken`);
}

describe('parseFlags', () => {
  it('gives defaults, and undefined, empty or false where there is none', () => {
    expect(parseFlags(TABLE, [])).toEqual({
      name: undefined,
      level: 'info',
      url: [],
      fast: false,
      safe: true,
      count: 3,
      wait: 15_000,
      listen: { host: '127.0.0.1', port: 9469 },
    });
  });

  it('reads each type', () => {
    const argv = [
      '--name=x',
      '--url=a,b',
      '--url',
      'c',
      '--fast',
      '--no-safe',
      '--count=10',
      '--wait=1.5m',
      '--listen=[::1]:0',
    ];
    expect(parseFlags(TABLE, argv)).toMatchObject({
      name: 'x',
      url: ['a', 'b', 'c'],
      fast: true,
      safe: false,
      count: 10,
      wait: 90_000,
      listen: { host: '::1', port: 0 },
    });
  });

  it.each([
    ['--count=11', 'from 1 to 10'],
    ['--count=1.5', 'a whole number'],
    ['--count=', 'a whole number'],
    ['--wait=5', 'a duration'],
    ['--wait=499ms', 'from 500 ms on'],
    ['--listen=here', 'host:port'],
    ['--listen=1.2.3.4:65536', 'host:port'],
    ['--level=loud', 'one of info, warn'],
    ['--unknown=1', '--unknown'],
    ['stray', 'stray'],
  ])('refuses %s and says what is allowed', (argument, part) => {
    const { code, message } = refusal(argument);
    expect(code).toBe('bad_flag');
    expect(message).toContain(part);
  });

  it('takes an address of either family in brackets', () => {
    expect(parseFlags(TABLE, ['--listen=[10.1.2.3]:80']).listen).toEqual({ host: '10.1.2.3', port: 80 });
    expect(parseFlags(TABLE, ['--listen=[fd00::1]:80']).listen).toEqual({ host: 'fd00::1', port: 80 });
  });

  it('answers any command line with values or a bad_flag', () => {
    const argument = fc.oneof(
      fc.string(),
      fc.tuple(fc.constantFrom(...Object.keys(TABLE)), fc.string()).map(([name, value]) => `--${name}=${value}`),
    );
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 5 }), (argv) => {
        try {
          parseFlags(TABLE, argv);
        } catch (err) {
          expect(err).toMatchObject({ code: 'bad_flag' });
        }
      }),
    );
  });
});

describe('describeFlags', () => {
  it('lists every flag with type, default and help', () => {
    const text = describeFlags(TABLE);
    for (const [name, flag] of Object.entries(TABLE)) {
      expect(text).toContain(`--${name} (${flag.type}`);
      expect(text).toContain(flag.help);
    }
    expect(text).toContain('default 15s');
  });
});
