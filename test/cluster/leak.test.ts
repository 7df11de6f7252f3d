// Cases (b) and (c): what a leak becomes with an annotation, without one, and without Headroom; and a process that only reads files.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { install } from '../e2e/install.ts';
import { pod } from '../e2e/workloads.ts';
import type { SeenCluster } from './cluster.ts';
import { openCluster } from './cluster.ts';
import type { LeakRun, LeakShape } from './leak-run.ts';
import { acceptedPatches, ASKS, podOf, runLeak, running } from './leak-run.ts';
import type { Legs } from './legs.ts';
import { firstLegs, legTable, median, ownShare } from './legs.ts';
import { WORKLOAD } from './node-disk.ts';
import { timelinePicture } from './timeline-picture.ts';
import { uninstall } from './uninstall.ts';

const MIB = 2 ** 20;
/** Share of the time from the signal to the container's memory.max that may be ours, in the median. */
const OWN_SHARE = 1 / 5;
const LEAKS_AT_10 = Number(process.env['HEADROOM_CLUSTER_LEAKS'] ?? 5);
const SHAPE = { startMib: 24, limit: '64Mi', mostMib: 120 };

let cluster: SeenCluster;
let folder: string | undefined;
const runs: { readonly title: string; readonly run: LeakRun; readonly legs?: Legs }[] = [];

beforeAll(async () => {
  cluster = await openCluster();
});

afterAll(async () => {
  if (cluster) await uninstall(cluster, folder);
  cluster?.close();
});

const status = ({ pod: found }: LeakRun) => found.status.containerStatuses![0]!;
const heldMib = (run: LeakRun): number => (run.memoryCurrent.at(-1)?.value ?? 0) / MIB;
const wasKilled = (run: LeakRun): boolean =>
  [status(run).state, status(run).lastState].some(({ terminated }) => terminated?.reason === 'OOMKilled');

/** It has all that it wanted, and the kubelet says what it did; or it was killed. */
function ended(run: LeakRun): boolean {
  return wasKilled(run) || (heldMib(run) >= run.shape.mostMib && (run.statusLimit.at(-1)?.value ?? 0) > 64 * MIB);
}

function durationMs({ startMib, mostMib, mibPerSecond }: LeakShape): number {
  return 1000 * ((mostMib - startMib) / mibPerSecond + 30);
}

const leak = (shape: LeakShape): Promise<LeakRun> => runLeak(cluster, shape, ended, durationMs(shape));

function expectUnhurt(run: LeakRun): void {
  expect(status(run)).toMatchObject({ restartCount: 0, lastState: {} });
  expect(wasKilled(run)).toBe(false);
}

describe('without Headroom', () => {
  it('the kernel kills the leak', async () => {
    const run = await leak({ ...SHAPE, name: 'leak-alone', mibPerSecond: 10 });
    expect(wasKilled(run)).toBe(true);
    expect(Math.max(...run.memoryCurrent.map(({ value }) => value))).toBeLessThanOrEqual(64 * MIB);
    runs.push({ title: 'without Headroom', run });
    await cluster.kubectlOk('delete', 'pod', 'leak-alone', '--wait=false');
  });
});

describe('with the resize component', () => {
  beforeAll(async () => {
    folder = await install(cluster, 'release', ['resize']);
  });

  it.each([2, 10, 40])('a leak of %i MiB/s that asks is resized without a restart', async (mibPerSecond) => {
    const name = `leak-${mibPerSecond}`;
    // A slow one begins closer to its limit: it has to come there in the test's time.
    const startMib = mibPerSecond < 5 ? 44 : SHAPE.startMib;
    const mostMib = mibPerSecond < 5 ? 76 : SHAPE.mostMib;
    const run = await leak({ ...SHAPE, startMib, mostMib, name, mibPerSecond, annotations: ASKS });
    expectUnhurt(run);
    const log = await cluster.logsOf('headroom-aggregator');
    runs.push({ title: `${mibPerSecond} MiB/s`, run, legs: firstLegs(run, log, acceptedPatches(cluster, name)) });
    await cluster.kubectlOk('delete', 'pod', name, '--wait=false');
  });

  it(`${LEAKS_AT_10} leaks of 10 MiB/s have no restart and no OOM kill, and the time is mostly not ours`, async () => {
    for (let number = 1; number <= LEAKS_AT_10; number++) {
      const name = `leak-again-${number}`;
      const run = await leak({ ...SHAPE, name, mibPerSecond: 10, annotations: ASKS });
      expectUnhurt(run);
      const log = await cluster.logsOf('headroom-aggregator');
      runs.push({ title: `10 MiB/s`, run, legs: firstLegs(run, log, acceptedPatches(cluster, name)) });
      await cluster.kubectlOk('delete', 'pod', name, '--wait=false');
    }
    const rows = runs.flatMap(({ title, legs }) => (legs ? [{ title, legs }] : []));
    const share = median(rows.map(({ legs }) => ownShare(legs)));
    process.stdout.write(`${legTable(rows)}\nfigure: ours ${(100 * share).toFixed(1)} % of the time in the median\n`);
    expect(share).toBeLessThanOrEqual(OWN_SHARE);
  }, 900_000);

  it('leaves a leak that does not ask, and a reader of big files, alone', async () => {
    await cluster.apply(
      pod({
        name: 'reader',
        annotations: ASKS,
        containers: [{ name: 'main', image: WORKLOAD, args: ['read', '/tmp', '120'], requests: { memory: '32Mi' }, limits: { memory: '64Mi' } }], // prettier-ignore
      }),
    );
    const silent = await leak({ ...SHAPE, name: 'leak-silent', mibPerSecond: 10 });
    expect(wasKilled(silent)).toBe(true);
    const reader = await running(cluster, 'reader');
    expect(reader.status.containerStatuses?.[0]).toMatchObject({ restartCount: 0 });
    for (const name of ['leak-silent', 'reader']) {
      expect((await podOf(cluster, name)).metadata.generation).toBe(1);
      expect(acceptedPatches(cluster, name)).toEqual([]);
      expect(await cluster.kubectlOk('get', 'events', '--field-selector', `involvedObject.name=${name}`)).not.toMatch(/HeadroomResize\b/); // prettier-ignore
    }
  });

  it('leaves a picture of its runs where HEADROOM_CLUSTER_PICTURES says', () => {
    const shown = runs.filter(({ title }, index) => runs.findIndex((each) => each.title === title) === index);
    const picture = timelinePicture(shown);
    expect(picture).toContain('</svg>');
    const where = process.env['HEADROOM_CLUSTER_PICTURES'];
    if (where) writeFileSync(join(where, 'leak-timeline.svg'), picture);
  });
});
