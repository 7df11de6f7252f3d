import { describe, expect, it } from 'vitest';
import { realisticBatch } from '../../test/fixtures/batches/realistic-batch.ts';
import { BATCH_BINARY_V1 } from './batch.ts';
import type { ColumnName } from './batch.ts';
import { decodeBatch, encodeBatch } from './codec.ts';
import { ColumnMemory } from './column-memory.ts';

const body = encodeBatch(realisticBatch({ pods: 5, containersPerPod: 2, withIdentities: true }, 1), BATCH_BINARY_V1);
const decoded = (...names: ColumnName[]) => {
  const part = decodeBatch(body, BATCH_BINARY_V1, { columns: new Set(names), histogram: false });
  const whole = decodeBatch(body, BATCH_BINARY_V1);
  if (part.kind !== 'batch' || whole.kind !== 'batch') throw new Error('not decoded');
  return { part: part.batch, whole: whole.batch };
};

describe('a batch of which a part is wanted', () => {
  it('has these columns as they are, none else, and no histogram', () => {
    const { part, whole } = decoded('atBootMs', 'cpuWindowUs');
    const { atBootMs, cpuWindowUs } = whole.reports.values;
    expect(part.reports).toEqual({ ...whole.reports, values: { atBootMs, cpuWindowUs } });
    expect([part.histogram.row.length, whole.histogram.row.length > 0]).toEqual([0, true]);
    expect({ ...part, reports: 0, histogram: 0 }).toEqual({ ...whole, reports: 0, histogram: 0 });
  });

  it('has a column that is predicted from one that nobody wants', () => {
    const { part, whole } = decoded('anonBytes');
    expect(part.reports.values).toEqual({ anonBytes: whole.reports.values.anonBytes });
  });
});

describe('a batch that is read into memory of the one before', () => {
  const memory = new ColumnMemory();
  const sized = (pods: number) =>
    encodeBatch(realisticBatch({ pods, containersPerPod: 2, withIdentities: true }, pods), BATCH_BINARY_V1);

  it.each([5, 30, 2, 500, 5])('is the same as any other: %i pods', (pods) => {
    const own = decodeBatch(sized(pods), BATCH_BINARY_V1);
    expect(decodeBatch(sized(pods), BATCH_BINARY_V1, { memory })).toEqual(own);
  });

  it('takes the same arrays again', () => {
    const read = () => {
      const { buffer } = [memory.lend('pids', 10)][0]!;
      return buffer;
    };
    expect(read()).toBe(read());
    expect(memory.lend('pids', 10).buffer).not.toBe(memory.lend('atBootMs', 10).buffer);
  });
});
