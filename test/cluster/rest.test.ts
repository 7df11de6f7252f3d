// At rest: what an agent costs that has worked for minutes, and case (a): every figure against the kubelet's own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pod } from '../../aggregator/standalone/api/objects.ts';
import { SYSTEM } from '../e2e/install.ts';
import { until } from '../e2e/until.ts';
import { agentCost } from './agent-cost.ts';
import type { SeenCluster } from './cluster.ts';
import type { Comparing } from './compared.ts';
import { keepComparing } from './compared.ts';
import type { Difference } from './comparison.ts';
import { describe as said } from './comparison.ts';
import type { Installed } from './installed.ts';
import { openInstalled } from './installed.ts';
import { NODE_KEY } from './kubelet-figures.ts';
import { median } from './legs.ts';
import { STEADY, STEADY_NAMES } from './steady.ts';

const EACH_MS = 500;
/** Longer than the waits in a test together would take, so that the one that is over says what did not happen. */
const TEST_MS = 600_000;
/** What the host gives to others counts as the guest's time: the median of so many windows tells what the agent takes, of the second number where the first are too much. */
const WINDOWS = [3, 7];
const WINDOW_MS = 8000;
/** The last pods' cgroups have just gone, and what came of that. */
const SETTLED_MS = 6000;
/** V8 compiles what is hot in the first minute. */
const WARM_S = 90;
const MOST_SHARE = 0.05;

const COMPARISONS = 20;
/** Of a figure, among all comparisons: the same one again and again would prove little. */
const LEAST_SAMPLES = 3;
const BOUNDS = { memory: 0.02, cpu: 0.05 };

let installed: Installed | undefined;
let cluster: SeenCluster;
let comparing: Comparing | undefined;

beforeAll(async () => {
  // A stretch of the kubelet's samples is long: they are kept from now on.
  comparing = keepComparing();
  installed = await openInstalled({ before: STEADY });
  ({ cluster } = installed);
});

afterAll(async () => {
  await comparing?.close();
  // The next file starts the node anew, with all that is on it.
  await cluster?.kubectl('delete', 'pod', 'wakes', '--wait=false', '--ignore-not-found');
  await installed?.close();
});

describe('the agent', () => {
  it(
    'takes less than a twentieth of an emulated core at rest, and stays under its memory limit',
    async () => {
      // Those of the file before are still going.
      const others = async (): Promise<boolean> => {
        const { items } = await cluster.kube.json<{ items: { metadata: { name: string; namespace: string } }[] }>('GET', '/api/v1/pods'); // prettier-ignore
        return items.some(({ metadata: { name, namespace } }) => namespace !== SYSTEM && !STEADY_NAMES.includes(name));
      };
      await until('no other pod', async () => !(await others()) || undefined, 60_000, EACH_MS);
      const since = await agentCost();
      await until('the agent having worked for a while', async () => (await since()).ageS > WARM_S || undefined, 2000 * WARM_S, EACH_MS); // prettier-ignore
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
      const shares: number[] = [];
      let wholeShare = NaN;
      for (const count of WINDOWS) {
        while (shares.length < count) {
          const ofWindow = await agentCost();
          await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
          const { cpuShare, wholeCpuShare, limitHits } = await ofWindow();
          shares.push(cpuShare);
          wholeShare = wholeCpuShare;
          expect(limitHits).toBe(0);
        }
        if (median(shares) < MOST_SHARE) break;
      }
      process.stdout.write(`figure: the agent takes ${shares.map((share) => (100 * share).toFixed(1)).join(', ')} % of an emulated core at rest, ${(100 * wholeShare).toFixed(1)} % since its start\n`); // prettier-ignore
      expect(median(shares)).toBeLessThan(MOST_SHARE);
    },
    TEST_MS,
  );
});

describe('every figure', () => {
  it(
    `agrees with the kubelet's own in ${COMPARISONS} of ${COMPARISONS} comparisons`,
    async () => {
      const pods = await cluster.kube.json<{ items: Pod[] }>('GET', '/api/v1/pods');
      const keys = [NODE_KEY, ...pods.items.flatMap(({ metadata, spec }) => spec.containers.map(({ name }) => `${metadata.namespace}/${metadata.name}/${name}`))]; // prettier-ignore
      expect(keys.length).toBeGreaterThanOrEqual(1 + 3 + STEADY.length);
      const wanted = { comparisons: COMPARISONS, samples: LEAST_SAMPLES, keys };
      const { comparisons, answers, unserved } = await comparing!.enough(wanted, 170_000);
      const all = comparisons.flat();
      process.stdout.write(
        `figure: in ${unserved} of ${answers} answers since the first comparison a figure was not served\n`,
      );
      const of = (what: Difference['what'], against: Difference['against']) => all.filter((each) => each.what === what && each.against === against).toSorted((a, b) => b.share - a.share); // prettier-ignore
      for (const worst of [
        of('memory', 'kubelet'),
        of('memory', 'served'),
        of('cpu', 'kubelet'),
        of('cpu', 'served'),
      ]) {
        process.stdout.write(`figure: ${worst.length} comparisons, worst ${worst.slice(0, 3).map(said).join('; ')}\n`);
      }
      expect(unserved).toBeLessThanOrEqual(answers / 10);
      expect(all.filter(({ share, what, notHeld }) => !notHeld && !(share <= BOUNDS[what])).map(said)).toEqual([]);
    },
    TEST_MS,
  );
});
