import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMillis, formatCpu, formatMemory, memoryBytes, parseQuantity } from './quantity.ts';

const NANOS = 1_000_000_000n;
const DECIMAL: Readonly<Record<string, bigint>> = {
  m: 1_000_000n,
  '': NANOS,
  k: 1000n * NANOS,
  M: 1_000_000n * NANOS,
  G: 10n ** 9n * NANOS,
  T: 10n ** 12n * NANOS,
};
const BINARY: Readonly<Record<string, bigint>> = { Ki: 1024n, Mi: 1024n ** 2n, Gi: 1024n ** 3n, Ti: 1024n ** 4n };

function nanosOf(text: string): bigint {
  const parsed = parseQuantity(text);
  if (parsed.kind === 'malformed') throw new Error(`${text}: ${parsed.reason}`);
  return parsed.nanos;
}

describe('a quantity', () => {
  it.each([
    ['0', 0n],
    ['1', NANOS],
    ['+1', NANOS],
    ['-250m', -250_000_000n],
    ['1n', 1n],
    ['1u', 1000n],
    ['1.5Gi', 1_610_612_736n * NANOS],
    ['.5', NANOS / 2n],
    ['5.', 5n * NANOS],
    ['1e3', 1000n * NANOS],
    ['1E3', 1000n * NANOS],
    ['1.5e-3', 1_500_000n],
    ['2E', 2n * 10n ** 18n * NANOS],
    ['1Ei', 2n ** 60n * NANOS],
    ['0.1n', 1n],
    ['-0.1n', -1n],
  ])('reads %s exactly', (text, nanos) => {
    expect(nanosOf(text)).toBe(nanos);
  });

  it.each([
    '',
    ' ',
    '1 ',
    'm',
    '.',
    '+',
    '1.2.3',
    '1e',
    '1eE3',
    '1ki',
    '1KI',
    '1mi',
    '--1',
    '0x10',
    '1_000',
    'Infinity',
    'NaN',
    '1Mi1',
  ])('calls %j malformed', (text) => {
    expect(parseQuantity(text).kind).toBe('malformed');
    expect(cpuMillis(text)).toBe('malformed');
    expect(memoryBytes(text)).toBe('malformed');
  });

  it('keeps every digit of a decimal with a decimal suffix', () => {
    const suffix = fc.constantFrom(...Object.keys(DECIMAL));
    fc.assert(
      fc.property(fc.bigInt(0n, 999_999n), fc.integer({ min: 0, max: 999 }), suffix, (whole, thousandths, name) => {
        const text = `${whole}.${String(thousandths).padStart(3, '0')}${name}`;
        const unit = DECIMAL[name] ?? 0n;
        expect(nanosOf(text)).toBe(whole * unit + (BigInt(thousandths) * unit) / 1000n);
      }),
    );
  });

  it('keeps quarters of binary suffixes exactly', () => {
    const suffix = fc.constantFrom(...Object.keys(BINARY));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 8000 }),
        fc.constantFrom(0, 25, 50, 75),
        suffix,
        (whole, hundredths, name) => {
          const unit = BINARY[name] ?? 0n;
          const bytes = BigInt(whole) * unit + (BigInt(hundredths) * unit) / 100n;
          expect(nanosOf(`${whole}.${String(hundredths).padStart(2, '0')}${name}`)).toBe(bytes * NANOS);
        },
      ),
    );
  });

  it('is capped at 2^63 − 1 whatever its exponent, and a trace of something is never nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), fc.integer({ min: -100_000, max: 100_000 }), (digits, exponent) => {
        const nanos = nanosOf(`${digits}e${exponent}`);
        expect(nanos).toBeGreaterThan(0n);
        expect(nanos).toBeLessThanOrEqual((2n ** 63n - 1n) * NANOS);
      }),
    );
  });

  it('answers any text quickly and without throwing', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'0123456789.eE+-numkKMGTPi '.split('')), maxLength: 200 }),
        (text) => {
          expect(['quantity', 'malformed']).toContain(parseQuantity(text).kind);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('comes back from its canonical text', () => {
    fc.assert(
      fc.property(fc.nat(), fc.maxSafeNat(), (millis, bytes) => {
        expect(cpuMillis(formatCpu(millis))).toBe(millis);
        expect(memoryBytes(formatMemory(bytes))).toBe(bytes);
      }),
    );
  });

  it('is written in the largest unit that divides it', () => {
    expect([250, 2000, 0, 1500].map(formatCpu)).toEqual(['250m', '2', '0', '1500m']);
    expect([0, 1000, 4096, 96 * 2 ** 20, 2 ** 31].map(formatMemory)).toEqual(['0', '1000', '4Ki', '96Mi', '2Gi']);
  });

  it('keeps fractions of a millicore', () => {
    expect(cpuMillis('1500u')).toBe(1.5);
    expect(memoryBytes('100m')).toBe(0.1);
  });
});
