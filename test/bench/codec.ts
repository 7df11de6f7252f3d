// What a push of 500 containers costs: bytes, and CPU to encode and decode it, in both codecs.
import type { Batch } from '../../agent/protocol/batch.ts';
import { BATCH_BINARY_V1, BATCH_JSON_V1 } from '../../agent/protocol/batch.ts';
import { decodeBatch, encodeBatch } from '../../agent/protocol/codec.ts';
import { realisticBatch } from '../fixtures/batches/realistic-batch.ts';
import type { Figure } from './figure.ts';

const BENCH = 'codec';
const MAX_PUSH_BYTES = 40_000;
const WARM_UP = 300;
const ROUNDS = 9;
const RUNS = 60;

/** 500 containers, their 250 pods, slices and the node; 23 columns; a histogram of 5 s. */
export async function benchCodec(): Promise<Figure[]> {
  const batch = realisticBatch({ pods: 250, containersPerPod: 2 });
  const full = realisticBatch({ pods: 250, containersPerPod: 2, fullPodRows: true });
  const binary = encodeBatch(batch, BATCH_BINARY_V1);
  const json = encodeBatch(batch, BATCH_JSON_V1);
  const columns = Object.values(batch.reports.values);
  const raw = columns.map((column) => column.slice());
  const copyMs = medianMs(() => columns.forEach((column, index) => raw[index]!.set(column)));
  const rows = plainColumns(batch);
  const text = JSON.stringify(rows);
  const stringifyMs = medianMs(() => JSON.stringify(rows));
  const parseMs = medianMs(() => JSON.parse(text));
  return [
    figure('binary push, 500 containers', binary.length, 'bytes', { bound: MAX_PUSH_BYTES }),
    figure(
      'binary push, 500 containers, pod rows with every column',
      encodeBatch(full, BATCH_BINARY_V1).length,
      'bytes',
    ),
    figure(
      'binary encode',
      medianMs(() => encodeBatch(batch, BATCH_BINARY_V1)),
      'ms',
      { bound: 0.5, floor: copyMs },
    ),
    figure(
      'binary decode',
      medianMs(() => decodeBatch(binary, BATCH_BINARY_V1)),
      'ms',
      { floor: copyMs },
    ),
    figure('json push, 500 containers', json.length, 'bytes'),
    figure(
      'json encode',
      medianMs(() => encodeBatch(batch, BATCH_JSON_V1)),
      'ms',
      { floor: stringifyMs },
    ),
    figure(
      'json decode',
      medianMs(() => decodeBatch(json, BATCH_JSON_V1)),
      'ms',
      { floor: parseMs },
    ),
  ];
}

function figure(name: string, value: number, unit: string, more: Partial<Figure> = {}): Figure {
  return { bench: BENCH, figure: name, value, unit, ...more };
}

/** The batch's numbers as plain arrays, for JSON.stringify alone. */
function plainColumns(batch: Batch): Record<string, number[]> {
  return Object.fromEntries(Object.entries(batch.reports.values).map(([name, column]) => [name, Array.from(column)]));
}

/** Median over rounds of the mean time of a run, after warming up. */
function medianMs(run: () => unknown): number {
  for (let count = 0; count < WARM_UP; count++) run();
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let count = 0; count < RUNS; count++) run();
    rounds.push((performance.now() - start) / RUNS);
  }
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1]!;
}
