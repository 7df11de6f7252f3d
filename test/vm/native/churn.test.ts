// Containers that come and go: whatever was opened for one of them is closed with it.
import { readdirSync, rmdirSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { SignalSources } from '../../../agent/signals/sources.ts';
import { systemClock } from '../../../agent/runtime/clock.ts';
import { openNative } from '../../../native/index.ts';
import { until } from '../guest/until.ts';
import { HIERARCHY, ownCgroups } from './own-cgroup2.ts';

const CONTAINERS = 600;
/** Far fewer than containers come by: a leaked entry or slot would fill the maps. */
const CAPACITY = 16;
const WAIT_MS = 10_000;

const cgroups = ownCgroups();
afterEach(() => cgroups.clean());

it('churn leaves no descriptor, no map entry and no slot behind, and every birth and death is told', async () => {
  const life = new Map<string, number>();
  const sources = new SignalSources({
    hierarchy: HIERARCHY,
    clock: systemClock(),
    native: openNative(CAPACITY),
    onSignal: () => undefined,
    onLife: ({ kind, path }) => life.set(`${kind} ${path}`, (life.get(`${kind} ${path}`) ?? 0) + 1),
  });
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  try {
    for (let round = 0; round < CONTAINERS; round++) {
      const { path, directory } = cgroups.make(`churn-${round}`);
      sources.track(path, round % 2 === 0 ? 'pod' : 'container');
      sources.untrack(path);
      rmdirSync(directory);
      // As in an agent: the loop turns between two containers.
      if (round % 10 === 0) await until('a turn of the loop', WAIT_MS, () => true);
    }
    const told = (kind: string): number =>
      [...life].filter(([key]) => key.startsWith(kind) && key.includes('-churn-')).length;
    await until('all births and deaths', WAIT_MS, () => (told('cgroup-died') === CONTAINERS ? true : undefined));
    expect(told('cgroup-born')).toBe(CONTAINERS);
    expect(sources.counts().get('cgroup-life')?.dropped).toBe(0);
    // Closing is done on a later turn of the loop.
    await until('the loop to let go', WAIT_MS, () => (descriptors() <= before ? true : undefined));
  } finally {
    sources.close();
  }
});
