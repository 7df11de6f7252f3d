import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Batch, ColumnName } from './batch.ts';
import { BATCH_BINARY_V1, BATCH_JSON_V1, COLUMNS } from './batch.ts';
import { ACCEPTED_BATCHES, decodeBatch, encodeBatch } from './codec.ts';
import { CPU_BUCKETS, CPU_SCHEME } from './histogram-scheme.ts';
import type { Identity } from './identity.ts';
import { ROW_KINDS } from './identity.ts';
import type { Shortage } from './shortage.ts';
import { SHORTAGE_KINDS, SHORTAGE_RESOURCES } from './shortage.ts';

const LIMITS: readonly string[] = ['memoryLimitBytes', 'cpuLimitMillis'];
const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const instant = fc.oneof(fc.maxSafeNat(), fc.double({ min: 0, max: 1e12, noNaN: true }));
const ref = fc.oneof(fc.nat(1000), fc.nat(0xffff_ffff));
const finite = fc.double({ min: 0, max: 1e15, noNaN: true });

const identity: fc.Arbitrary<Identity> = fc.record({
  ref,
  kind: fc.constantFrom(...ROW_KINDS),
  podUid: text,
  containerId: text,
  cgroup: text,
  startBootMs: instant,
});

const needed = {
  ref,
  resource: fc.constantFrom(...SHORTAGE_RESOURCES),
  kind: fc.constantFrom(...SHORTAGE_KINDS),
  raisedBootMs: finite,
  secondsToHarm: fc.oneof(finite, fc.constant(Infinity)),
  need: finite,
  limit: finite,
  rate: fc.double({ min: -1e15, max: 1e15, noNaN: true }),
};
const shortage: fc.Arbitrary<Shortage> = fc.oneof(fc.record(needed), fc.record({ ...needed, secondsOfGrowth: finite }));

/** Columns as they come (counters, pages, a few values over and over) and as they should not (fractions, 2^53, gaps). */
function column(name: ColumnName, count: number): fc.Arbitrary<Float64Array> {
  const value = fc.oneof(
    fc.nat(3),
    fc.nat(100_000),
    fc.nat(1e6).map((pages) => pages * 4096),
    fc.maxSafeNat(),
    fc.double({ min: 0, max: 1e9, noNaN: true }),
    fc.constant(NaN),
    fc.constant(LIMITS.includes(name) ? Infinity : 0),
  );
  const same = value.map((one) => Float64Array.from({ length: count }, () => one));
  const each = fc.array(value, { minLength: count, maxLength: count }).map((all) => Float64Array.from(all));
  return fc.oneof({ weight: 1, arbitrary: same }, { weight: 3, arbitrary: each });
}

function reports(count: number): fc.Arbitrary<Batch['reports']> {
  const some = Object.fromEntries(COLUMNS.map((name) => [name, column(name, count)]));
  return fc.record({
    count: fc.constant(count),
    ref: fc.uniqueArray(ref, { minLength: count, maxLength: count }).map((refs) => Uint32Array.from(refs)),
    values: fc.record(some, { requiredKeys: [] }),
  });
}

function histogram(rows: number): fc.Arbitrary<Batch['histogram']> {
  const seconds = fc.oneof(fc.nat(8), fc.nat(0xffff_ffff));
  const entry = fc.tuple(fc.nat(Math.max(0, rows - 1)), fc.nat(CPU_BUCKETS - 1), seconds);
  return fc
    .tuple(fc.constantFrom(CPU_SCHEME, 'linear-10'), fc.array(entry, { maxLength: rows === 0 ? 0 : 40 }))
    .map(([scheme, entries]) => ({
      scheme,
      row: Uint32Array.from(entries, (one) => one[0]),
      bucket: Uint16Array.from(entries, (one) => one[1]),
      seconds: Uint32Array.from(entries, (one) => one[2]),
    }));
}

const batches: fc.Arbitrary<Batch> = fc.nat(40).chain((rows) =>
  fc.record({
    node: text.filter((name) => name !== ''),
    agentVersion: text,
    bootId: text,
    epoch: fc.maxSafeNat(),
    sequence: fc.maxSafeNat(),
    bootTimeMs: instant,
    wallTimeMs: instant,
    identities: fc.uniqueArray(identity, { selector: (one) => one.ref, maxLength: 5 }),
    gone: fc.array(ref, { maxLength: 10 }),
    reports: reports(rows),
    histogram: histogram(rows),
    shortages: fc.array(shortage, { maxLength: 3 }),
  }),
);

/** What docs/protocol.md promises: whole units, no -0, columns without a value left out. */
function asPromised(batch: Batch): Batch {
  const values: { [name in ColumnName]?: Float64Array } = {};
  for (const name of COLUMNS) {
    const rounded = batch.reports.values[name]?.map((value) => Math.round(value) + 0);
    if (rounded?.some((value) => !Number.isNaN(value))) values[name] = rounded;
  }
  return {
    ...batch,
    bootTimeMs: Math.round(batch.bootTimeMs),
    wallTimeMs: Math.round(batch.wallTimeMs),
    identities: batch.identities.map((one) => ({ ...one, startBootMs: Math.round(one.startBootMs) })),
    reports: { ...batch.reports, values },
    shortages: batch.shortages.map((one) => ({
      ...one,
      raisedBootMs: one.raisedBootMs + 0,
      secondsToHarm: one.secondsToHarm + 0,
      need: one.need + 0,
      limit: one.limit + 0,
      rate: one.rate + 0,
      ...(one.secondsOfGrowth === undefined ? {} : { secondsOfGrowth: one.secondsOfGrowth + 0 }),
    })),
  };
}

function smallBatch(values: Batch['reports']['values'], count: number): Batch {
  return {
    node: 'n',
    agentVersion: '0.1.0',
    bootId: 'b',
    epoch: 1,
    sequence: 1,
    bootTimeMs: 1000,
    wallTimeMs: 1000,
    identities: [],
    gone: [],
    reports: { count, ref: Uint32Array.from({ length: count }, (_, row) => row), values },
    histogram: { scheme: CPU_SCHEME, row: new Uint32Array(0), bucket: new Uint16Array(0), seconds: new Uint32Array(0) },
    shortages: [],
  };
}

describe.each(ACCEPTED_BATCHES)('a batch as %s', (mediaType) => {
  it('comes back as it was, in whole units', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const decoded = decodeBatch(encodeBatch(batch, mediaType), mediaType);
        expect(decoded).toEqual({ kind: 'batch', batch: asPromised(batch) });
      }),
      { numRuns: 300 },
    );
  });

  it('leaves out single values that cannot be sent, not the batch', () => {
    const batch = smallBatch(
      {
        cpuUsageUs: Float64Array.of(-1, 2 ** 53, Infinity, 7),
        pids: Float64Array.of(-0.2, -0, NaN, 1.5),
        memoryLimitBytes: Float64Array.of(-Infinity, Infinity, NaN, 4096),
      },
      4,
    );
    const decoded = decodeBatch(encodeBatch(batch, mediaType), mediaType);
    expect(decoded.kind === 'batch' && decoded.batch.reports.values).toEqual({
      cpuUsageUs: Float64Array.of(NaN, NaN, NaN, 7),
      pids: Float64Array.of(NaN, 0, NaN, 2),
      memoryLimitBytes: Float64Array.of(NaN, Infinity, NaN, 4096),
    });
  });

  it('keeps the largest whole numbers exact beside the smallest', () => {
    const largest = Number.MAX_SAFE_INTEGER;
    const values = { cpuUsageUs: Float64Array.of(largest, 0, largest, largest - 1, 2 ** 52, 1) };
    const decoded = decodeBatch(encodeBatch(smallBatch(values, 6), mediaType), mediaType);
    expect(decoded.kind === 'batch' && decoded.batch.reports.values).toEqual(values);
  });

  it('is not touched by a later use of the encoder', () => {
    const first = encodeBatch(smallBatch({ pids: Float64Array.of(1) }, 1), mediaType);
    const copy = first.slice();
    encodeBatch(smallBatch({ pids: Float64Array.of(2) }, 1), mediaType);
    expect(first).toEqual(copy);
  });
});

describe('the two forms', () => {
  it('say the same of the same batch', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const binary = decodeBatch(encodeBatch(batch, BATCH_BINARY_V1), BATCH_BINARY_V1);
        const json = decodeBatch(encodeBatch(batch, BATCH_JSON_V1), BATCH_JSON_V1);
        expect(binary).toEqual(json);
      }),
    );
  });
});

describe('the binary form', () => {
  it('costs next to nothing for columns that never change and for pages beside a close column', () => {
    const count = 800;
    const pages = Float64Array.from({ length: count }, (_, row) => ((row * 7919) % 100_000) * 4096);
    const bytes = (values: Batch['reports']['values']): number =>
      encodeBatch(smallBatch(values, count), BATCH_BINARY_V1).length;
    const empty = bytes({});
    expect(bytes({ swapBytes: new Float64Array(count) }) - empty).toBeLessThan(130);
    const workingSet = bytes({ workingSetBytes: pages });
    expect(workingSet - empty).toBeLessThan(3.1 * count);
    expect(bytes({ workingSetBytes: pages, workingSetPeakBytes: pages }) - workingSet).toBeLessThan(140);
  });
});
