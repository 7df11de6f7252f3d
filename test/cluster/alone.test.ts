// The leak of case (b) on a node without Headroom.
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bytes } from '../e2e/metrics.ts';
import { openCluster } from './cluster.ts';
import { wasKilled } from './leak-run.ts';
import { ALONE_FILE, leakOf, LIMIT, runLeaks } from './leaks.ts';

it('a leak is killed at its limit', async () => {
  const cluster = await openCluster();
  try {
    const [run] = await runLeaks(cluster, [leakOf('leak-alone', 10, 5)]);
    writeFileSync(ALONE_FILE(), JSON.stringify(run));
    expect(wasKilled(run!)).toBe(true);
    expect(Math.max(...run!.memoryCurrent.map(({ value }) => value))).toBeLessThanOrEqual(bytes(LIMIT));
  } finally {
    cluster.close();
  }
});
