// Cases (b) and (c): what a leak becomes with an annotation and without one (uninstall.test.ts has it without Headroom); and a process
// that only reads files. Case (f) with plain rights: what of it the agent heard.
// The leaks come to their limits one after another, their pods start at once: an emulated kubelet takes seconds to start one.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pod } from '../e2e/workloads.ts';
import type { AgentCost } from './agent-cost.ts';
import { agentCost } from './agent-cost.ts';
import type { SeenCluster } from './cluster.ts';
import { debugOfAgent, heard, HOOKS, missing } from './hearing.ts';
import type { Installed } from './installed.ts';
import { openInstalled } from './installed.ts';
import type { LeakRun } from './leak-run.ts';
import { acceptedPatches, ASKS, podOf, wasKilled } from './leak-run.ts';
import { leakOf, LIMIT, runLeaks, SHOWN_FILE } from './leaks.ts';
import type { Legs } from './legs.ts';
import { firstLegs, heardShare, legTable, median, ownShare } from './legs.ts';
import { WORKLOAD } from './node-disk.ts';
import { STEADY } from './steady.ts';
import type { ShownRun } from './timeline-picture.ts';

/** Share of the time from the signal to the container's memory.max that may be ours, in the median of so many leaks; fewer are only told. */
const OWN_SHARE = 1 / 5;
/** With the way of the API server's answer, which waits for a CPU that the kubelet has by then: the node is at it, and nobody waits for us. */
const HEARD_SHARE = 1 / 3;
const LEAKS_OF_A_MEDIAN = 20;
const LEAKS_AT_10 = Number(process.env['HEADROOM_CLUSTER_LEAKS'] ?? 1);
/** So many pods at once: what they hold in the end has to fit into the machine. */
const AT_ONCE = 5;
/** The first is at its limit, and well before it at its signal, when all are running and watched: the slowest takes 14 s to it. */
const FIRST_S = 20;
/** A resize has its end within two seconds, emulated; the next signal comes after that. */
const APART_S = 4;

function expectUnhurt(run: LeakRun): void {
  expect(run.pod.status.containerStatuses?.[0]).toMatchObject({ restartCount: 0, lastState: {} });
  expect(wasKilled(run)).toBe(false);
}

const RATES = [4, 10, 20];
const MIB = 2 ** 20;
const runs: ShownRun[] = [];

describe('with the resize component', () => {
  let installed: Installed | undefined;
  let cluster: SeenCluster;
  const done = new Map<string, LeakRun>();
  let log = '';
  let cost: AgentCost;
  let heardOf: { readonly lacking: ReadonlySet<string>; readonly kinds: ReadonlySet<string> };

  const again = Array.from({ length: LEAKS_AT_10 }, (_, index) => `leak-again-${index + 1}`);

  beforeAll(
    async () => {
      // Alone as in the whole tier.
      installed = await openInstalled({ before: STEADY });
      ({ cluster } = installed);
      await cluster.apply(
        pod({
          name: 'reader',
          annotations: ASKS,
          containers: [{ name: 'main', image: WORKLOAD, args: ['read', '/tmp', '120'], requests: { memory: '32Mi' }, limits: { memory: '64Mi' } }], // prettier-ignore
        }),
      );
      const since = await agentCost();
      const all = [
        ...RATES.map((rate) => (limitS: number) => leakOf(`leak-${rate}`, rate, limitS, ASKS)),
        (limitS: number) => leakOf('leak-silent', 10, limitS),
        ...again.map((name) => (limitS: number) => leakOf(name, 10, limitS, ASKS)),
      ];
      for (let first = 0; first < all.length; first += AT_ONCE) {
        const shapes = all.slice(first, first + AT_ONCE).map((make, index) => make(FIRST_S + index * APART_S));
        for (const run of await runLeaks(cluster, shapes)) done.set(run.shape.name, run);
        log += await cluster.logsOf('headroom-aggregator');
      }
      cost = await since();
      heardOf = await kindsHeard();
    },
    300_000 + LEAKS_AT_10 * 30_000,
  );

  afterAll(() => installed?.close());

  const kindsHeard = async (): Promise<typeof heardOf> => {
    const debug = await debugOfAgent(cluster);
    try {
      return { lacking: await missing(debug), kinds: await heard(debug, ['memory-events']) };
    } finally {
      debug.close();
    }
  };

  const legsOf = (run: LeakRun): Legs => firstLegs(run, log, acceptedPatches(cluster, run.shape.name));

  it.each(RATES)('a leak of %i MiB/s that asks is resized without a restart', (rate) => {
    const run = done.get(`leak-${rate}`)!;
    runs.push({ title: `${rate} MiB/s`, run, legs: legsOf(run) });
    expectUnhurt(run);
  });

  it(`${LEAKS_AT_10} more of 10 MiB/s have no restart and no OOM kill`, () => {
    for (const run of again.map((name) => done.get(name)!)) {
      runs.push({ title: '10 MiB/s', run, legs: legsOf(run) });
      expectUnhurt(run);
    }
    const rows = runs.flatMap(({ title, legs }) => (legs ? [{ title, legs }] : []));
    const share = median(rows.map(({ legs }) => ownShare(legs)));
    const heard = median(rows.map(({ legs }) => heardShare(legs)));
    process.stdout.write(`${legTable(rows)}\nfigure: ours ${(100 * share).toFixed(1)} % of the time in the median, ${(100 * heard).toFixed(1)} % with the way of the API server's answer\n`); // prettier-ignore
    if (rows.length < LEAKS_OF_A_MEDIAN) return;
    expect(share).toBeLessThanOrEqual(OWN_SHARE);
    expect(heard).toBeLessThanOrEqual(HEARD_SHARE);
  });

  it('costs the node little meanwhile: the agent stays under its memory limit', () => {
    const { cpuShare, waitMs, peakBytes, limitHits } = cost;
    process.stdout.write(`figure: the agent takes ${(100 * cpuShare).toFixed(1)} % of an emulated core, waits ${waitMs.toFixed(1)} ms for it each time and has at most ${(peakBytes / MIB).toFixed(1)} MiB\n`); // prettier-ignore
    expect(limitHits).toBe(0);
    expect(peakBytes).toBeLessThan(128 * MIB);
  });

  it('leaves a leak that does not ask, and a reader of big files, alone', async () => {
    expect(wasKilled(done.get('leak-silent')!)).toBe(true);
    const reader = await podOf(cluster, 'reader');
    expect(reader.metadata.generation).toBe(1);
    expect(reader.status.containerStatuses?.[0]).toMatchObject({ restartCount: 0 });
    expect(done.get('leak-silent')!.pod.spec.containers[0]?.resources?.limits).toEqual({ memory: LIMIT });
    for (const name of ['leak-silent', 'reader']) {
      expect(acceptedPatches(cluster, name)).toEqual([]);
      expect(await cluster.kubectlOk('get', 'events', '--field-selector', `involvedObject.name=${name}`)).not.toMatch(/HeadroomResize\b/); // prettier-ignore
    }
  });

  it('was heard of by memory.events with plain rights, and the agent says what it lacks', () => {
    const { lacking, kinds } = heardOf;
    expect([...lacking]).toEqual(expect.arrayContaining([...HOOKS, 'psi_triggers']));
    expect(lacking.has('memory_events')).toBe(false);
    expect(kinds.has('oom-victim')).toBe(false);
  });

  it('keeps a run of each kind for the picture that the last file makes', () => {
    const shown = runs.filter(({ title }, index) => runs.findIndex((each) => each.title === title) === index);
    expect(shown).toHaveLength(RATES.length);
    writeFileSync(SHOWN_FILE(), JSON.stringify(shown));
  });
});
