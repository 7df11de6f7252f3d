// The wire between releases: batches of a release, kept as files, must be decoded by the next (docs/protocol.md).
// HEADROOM_WRITE_GOLDEN=1 writes those that are not there yet; a released file is never written again.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BATCH_BINARY_V1, BATCH_JSON_V1 } from '../agent/protocol/batch.ts';
import { decodeBatch, encodeBatch } from '../agent/protocol/codec.ts';
import { GOLDEN_BATCHES } from './fixtures/batches/golden-batches.ts';
import { realisticBatch } from './fixtures/batches/realistic-batch.ts';

const FOLDER = new URL('./fixtures/batches/', import.meta.url);
const FORMS = [
  { suffix: 'bin', mediaType: BATCH_BINARY_V1 },
  { suffix: 'json', mediaType: BATCH_JSON_V1 },
] as const;

if (process.env['HEADROOM_WRITE_GOLDEN'] === '1') {
  for (const [name, batch] of Object.entries(GOLDEN_BATCHES))
    for (const { suffix, mediaType } of FORMS) {
      const file = new URL(`${name}.${suffix}`, FOLDER);
      if (!existsSync(file)) writeFileSync(file, encodeBatch(batch, mediaType));
    }
}

describe('golden batches', () => {
  for (const [name, batch] of Object.entries(GOLDEN_BATCHES))
    for (const { suffix, mediaType } of FORMS) {
      const golden = new Uint8Array(readFileSync(new URL(`${name}.${suffix}`, FOLDER)));

      it(`decodes ${name}.${suffix} to what it was`, () => {
        expect(decodeBatch(golden, mediaType)).toEqual({ kind: 'batch', batch });
      });

      it(`encodes ${name}.${suffix} to the same bytes today`, () => {
        expect(Buffer.from(encodeBatch(batch, mediaType)).equals(golden)).toBe(true);
      });
    }

  it('covers every golden file of the folder', () => {
    const files = readdirSync(FOLDER).filter((file) => /\.(bin|json)$/.test(file));
    const expected = Object.keys(GOLDEN_BATCHES).flatMap((name) => FORMS.map(({ suffix }) => `${name}.${suffix}`));
    expect(files.sort()).toEqual(expected.sort());
  });
});

describe('a push of 500 containers', () => {
  const shapes = [
    { pods: 250, containersPerPod: 2 },
    { pods: 250, containersPerPod: 2, fullPodRows: true },
    { pods: 500, containersPerPod: 1 },
    { pods: 500, containersPerPod: 1, fullPodRows: true },
  ];
  it.each(shapes)('takes at most 40 KB: %o', (shape) => {
    const body = encodeBatch(realisticBatch(shape), BATCH_BINARY_V1);
    expect(body.length).toBeLessThanOrEqual(40_000);
    const decoded = decodeBatch(body, BATCH_BINARY_V1);
    expect(decoded.kind === 'batch' && decoded.batch.reports.count).toBe(5 + shape.pods * (1 + shape.containersPerPod));
  });
});
