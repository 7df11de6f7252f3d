import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuantity } from '../kube/quantity.ts';
import { cpuText, memoryText, QUANTITY_MAX_BYTES, writeCpu, writeMemory } from './quantity-text.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

describe('cpuText', () => {
  it.each([
    [59_123_456, '59123456n'],
    [5000, '5u'],
    [179_000_000, '179m'],
    [2_000_000_000, '2'],
    [0, '0'],
    [999, '999n'],
    [1_500_000_000, '1500m'],
    [1_000_000_000_000, '1k'],
    [59.9, '59n'],
    [-3, '0'],
  ])('prints %s nanocores as %s', (nanos, text) => {
    expect(cpuText(nanos)).toBe(text);
  });
});

describe('memoryText', () => {
  it.each([
    [4620 * KIB, '4620Ki'],
    [50 * MIB, '50Mi'],
    [1047552 * KIB, '1023Mi'],
    [1536, '1536'],
    [2000, '2000'],
    [1000, '1k'],
    [999, '999'],
    [0, '0'],
    [1024, '1Ki'],
  ])('prints %s bytes as %s', (bytes, text) => {
    expect(memoryText(bytes)).toBe(text);
  });
});

const amounts = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(1_000_000),
  fc.tuple(fc.nat(5000), fc.integer({ min: 0, max: 3 })).map(([amount, power]) => amount * 1000 ** power),
  fc.tuple(fc.nat(5000), fc.integer({ min: 0, max: 3 })).map(([amount, power]) => amount * 1024 ** power),
);

describe('quantities', () => {
  it('mean what they were made of', () => {
    fc.assert(
      fc.property(amounts, (amount) => {
        expect(parseQuantity(cpuText(amount))).toEqual({ kind: 'quantity', nanos: BigInt(amount) });
        expect(parseQuantity(memoryText(amount))).toEqual({ kind: 'quantity', nanos: BigInt(amount) * 1_000_000_000n });
      }),
      { numRuns: 2000 },
    );
  });

  it('are canonical: no larger suffix would be exact', () => {
    fc.assert(
      fc.property(amounts, (amount) => {
        expect(cpuText(amount)).not.toMatch(/000[num]/);
        const [, digits, suffix] = /^(\d+)(.*)$/.exec(memoryText(amount))!;
        const couldBeLarger = amount >= 1024 && suffix !== 'Pi' && Number(digits) % 1024 === 0;
        expect(couldBeLarger).toBe(false);
      }),
    );
  });

  it('never take more bytes than they say', () => {
    const out = Buffer.alloc(64);
    fc.assert(
      fc.property(fc.oneof(amounts, fc.double()), (amount) => {
        expect(writeCpu(out, 0, amount)).toBeLessThanOrEqual(QUANTITY_MAX_BYTES);
        expect(writeMemory(out, 0, amount)).toBeLessThanOrEqual(QUANTITY_MAX_BYTES);
      }),
    );
  });
});
