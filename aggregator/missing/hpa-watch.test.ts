import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../agent/runtime/logger.ts';
import { json, line, page, startFakeKube, watch } from '../../test/fixtures/kube/fake-kube.ts';
import type { FakeKube } from '../../test/fixtures/kube/fake-kube.ts';
import { HpaWatch } from './hpa-watch.ts';

let kube: FakeKube;
let watched: HpaWatch;
let lines: { msg: string }[];
let sleptMs: number[];
let wake: (() => void)[];

beforeEach(async () => {
  kube = await startFakeKube();
  lines = [];
  sleptMs = [];
  wake = [];
  watched = new HpaWatch({
    http: kube.http,
    clock: { bootTimeMs: () => 0, wallTimeMs: () => 0 },
    log: createLogger('test', 'info', {}, { write: (text) => void lines.push(JSON.parse(text) as { msg: string }) }),
    sleep: (ms, signal) => {
      sleptMs.push(ms);
      return new Promise((resolve) => {
        wake.push(resolve);
        signal.addEventListener('abort', () => resolve());
      });
    },
  });
});
afterEach(async () => {
  await watched.close();
  await kube.close();
});

const COMPLAINT = { type: 'ScalingActive', status: 'False', reason: 'FailedGet', message: 'no metrics' };

function hpa(name: string, current?: object, resourceVersion = '1'): object {
  const target = { type: 'Utilization', averageUtilization: 20 };
  return {
    metadata: { uid: `u-${name}`, namespace: 'default', name, resourceVersion },
    spec: {
      scaleTargetRef: { kind: 'Deployment', name },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
    },
    status:
      current === undefined
        ? { conditions: [COMPLAINT] }
        : { currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current } }] },
  };
}

async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function names(): string[] {
  return watched.unknown().map(({ name }) => name);
}

describe('HpaWatch', () => {
  it('follows the HPAs that show unknown values', async () => {
    kube.lists.push(page('1', []), page('5', [hpa('web'), hpa('ok', { averageUtilization: 7 })]));
    const changes =
      line('ADDED', hpa('new', undefined, '7')) + line('MODIFIED', hpa('web', { averageUtilization: 1 }, '6'));
    kube.watches.push(watch(changes, 'stay'));
    watched.start();
    await untilTrue(() => names().join(',') === 'new');
    expect(watched.unknown()).toMatchObject([{ target: { kind: 'Deployment', name: 'new' }, complaint: 'no metrics' }]);
    expect(watched.isWatching).toBe(true);
    expect(kube.seen[0]!.url.search).toBe('?limit=1');
  });

  it('says once that it has no right, and looks for it again later', async () => {
    kube.lists.push(json(403, {}), json(403, {}), page('1', []), page('5', [hpa('web')]));
    watched.start();
    for (const times of [1, 2]) {
      await untilTrue(() => wake.length === times);
      expect(watched.isWatching).toBe(false);
      wake.at(-1)!();
    }
    await untilTrue(() => names().length === 1);
    expect(sleptMs).toEqual([600_000, 600_000]);
    expect(lines.filter(({ msg }) => msg.includes('not readable'))).toHaveLength(1);
  });

  it('waits quietly while the API server does not answer', async () => {
    kube.lists.push(json(500, {}));
    watched.start();
    await untilTrue(() => wake.length === 1);
    expect(sleptMs).toEqual([30_000]);
    expect(lines).toEqual([]);
  });

  it('ends while it waits', async () => {
    kube.lists.push(json(404, {}));
    watched.start();
    await untilTrue(() => wake.length === 1);
    await watched.close();
    expect(watched.unknown()).toEqual([]);
  });
});
