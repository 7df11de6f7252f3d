// Hostile bodies against the batch decoder: mutated real batches in volume, with every typed array that it makes counted.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Batch } from '../agent/protocol/batch.ts';
import { BATCH_BINARY_V1, BATCH_JSON_V1, COLUMNS } from '../agent/protocol/batch.ts';
import { MAX_GONE, MAX_HISTOGRAM_ENTRIES, MAX_IDENTITIES, MAX_ROWS, MAX_SHORTAGES } from '../agent/protocol/bounds.ts';
import { decodeBatch, encodeBatch } from '../agent/protocol/codec.ts';
import type { DecodedBatch } from '../agent/protocol/codec.ts';
import { GOLDEN_BATCHES } from './fixtures/batches/golden-batches.ts';
import { realisticBatch, seeded } from './fixtures/batches/realistic-batch.ts';

/** 10^5 in all; the binary form is what agents send. */
const MUTANTS = { [BATCH_BINARY_V1]: 70_000, [BATCH_JSON_V1]: 30_000 };
/** The bound that agent/protocol/codec.ts states for typed arrays: per byte of the body, and in all. */
const ARRAY_BYTES_PER_BYTE = 64;
const MAX_ARRAY_BYTES = COLUMNS.length * MAX_ROWS * 8 + MAX_ROWS * 4 + MAX_HISTOGRAM_ENTRIES * 10;

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Counts what the decoder allocates in typed arrays of its own (views of the body cost nothing). */
function countArrays(): { bytes: number } {
  const counted = { bytes: 0 };
  for (const name of ['Float64Array', 'Uint32Array', 'Uint16Array', 'Uint8Array'] as const) {
    const Original: new (...given: never[]) => ArrayBufferView = globalThis[name];
    const Counting = new Proxy(Original, {
      construct(target, given, newTarget) {
        const made = Reflect.construct(target, given, newTarget) as ArrayBufferView;
        counted.bytes += made.byteLength;
        return made;
      },
    });
    vi.stubGlobal(name, Counting);
  }
  return counted;
}

type Mutation = (body: Uint8Array, random: () => number) => Uint8Array;

const at = (length: number, random: () => number): number => Math.floor(random() * length);

const TOKENS = ['9999999999', '-1', '1e999', '[[[[', '"', 'null,', '"max"', '{"__proto__":1}'];

const MUTATIONS: readonly Mutation[] = [
  function flipBit(body, random) {
    body[at(body.length, random)]! ^= 1 << at(8, random);
    return body;
  },
  function setByte(body, random) {
    body[at(body.length, random)] = at(256, random);
    return body;
  },
  function truncate(body, random) {
    return body.subarray(0, at(body.length, random));
  },
  function splice(body, random) {
    const from = at(body.length, random);
    body.copyWithin(at(body.length, random), from, from + at(40, random));
    return body;
  },
  function inflateLength(body, random) {
    const place = at(body.length, random);
    const huge = [0xff, 0xff, 0xff, 0xff, 0x0f].slice(at(5, random));
    body.set(huge.slice(0, body.length - place), place);
    return body;
  },
  function insertToken(body, random) {
    const place = at(body.length, random);
    const token = new TextEncoder().encode(TOKENS[at(TOKENS.length, random)]);
    return Uint8Array.of(...body.subarray(0, place), ...token, ...body.subarray(place));
  },
];

function isWithinBounds(batch: Batch): boolean {
  const { reports, histogram } = batch;
  return (
    batch.identities.length <= MAX_IDENTITIES &&
    batch.gone.length <= MAX_GONE &&
    batch.shortages.length <= MAX_SHORTAGES &&
    histogram.row.length <= MAX_HISTOGRAM_ENTRIES &&
    reports.count <= MAX_ROWS &&
    reports.ref.length === reports.count &&
    histogram.row.every((row) => row < reports.count) &&
    Object.entries(reports.values).every(
      ([name, column]) =>
        column.length === reports.count &&
        column.every((value) => !(value < 0) && (value !== Infinity || name.includes('Limit'))),
    )
  );
}

/** What is wrong with an answer; undefined when nothing is. */
function faultOf(decoded: DecodedBatch, bodyBytes: number, arrayBytes: number): string | undefined {
  if (arrayBytes > Math.min(ARRAY_BYTES_PER_BYTE * bodyBytes, MAX_ARRAY_BYTES))
    return `${arrayBytes} bytes of arrays for a body of ${bodyBytes}`;
  if (decoded.kind === 'batch') return isWithinBounds(decoded.batch) ? undefined : 'a batch out of bounds';
  return decoded.message.startsWith('decoder fault') ? decoded.message : undefined;
}

describe('decodeBatch on hostile bodies', () => {
  it.each([BATCH_BINARY_V1, BATCH_JSON_V1] as const)(
    'answers every mutant of a %s without a throw, and within the stated memory',
    { timeout: 60_000 },
    (mediaType) => {
      const originals = [
        ...Object.values(GOLDEN_BATCHES),
        realisticBatch({ pods: 2, containersPerPod: 2, withIdentities: true }),
      ].map((batch) => encodeBatch(batch, mediaType));
      const random = seeded(20_261_123);
      const outcomes = { batch: 0, refused: 0 };
      const faults: string[] = [];
      let mostCounted = 0;
      const counted = countArrays();
      for (let mutant = 0; mutant < MUTANTS[mediaType]; mutant++) {
        let body: Uint8Array = originals[at(originals.length, random)]!.slice();
        const turns = 1 + at(3, random);
        for (let turn = 0; turn < turns; turn++)
          if (body.length > 0) body = MUTATIONS[at(MUTATIONS.length, random)]!(body, random);
        counted.bytes = 0;
        const decoded = decodeBatch(body, mediaType);
        mostCounted = Math.max(mostCounted, counted.bytes);
        const fault = faultOf(decoded, body.length, counted.bytes);
        if (fault !== undefined) faults.push(`mutant ${mutant}: ${fault}`);
        outcomes[decoded.kind]++;
      }
      expect(faults).toEqual([]);
      expect(mostCounted).toBeGreaterThan(1000);
      // Both paths were walked: bodies that broke and bodies that still make sense.
      expect(outcomes.refused).toBeGreaterThan(MUTANTS[mediaType] / 10);
      expect(outcomes.batch).toBeGreaterThan(MUTANTS[mediaType] / 100);
    },
  );
});
