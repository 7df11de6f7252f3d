// Case (g): what happens while the agent is killed, the DaemonSet rolled, the acting replica deleted, the kubelet and the whole node started
// anew. Case (f) with nothing: the killed agent starts where it may hear nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENTS, install, SYSTEM } from '../e2e/install.ts';
import { GROUP } from '../e2e/metrics.ts';
import type { PodMetrics } from '../e2e/metrics.ts';
import { until } from '../e2e/until.ts';
import type { SeenCluster } from './cluster.ts';
import type { Served } from './comparison.ts';
import { servedOf } from './comparison.ts';
import { AGENT_PID, inGuest, runInGuest } from './guest-shell.ts';
import { debugOfAgent, expectHelped, helped, HOOKS, missing } from './hearing.ts';
import type { Installed } from './installed.ts';
import { INSTALL_MS, openInstalled } from './installed.ts';
import type { FollowedCpu } from './kernel-cpu.ts';
import { followCpu } from './kernel-cpu.ts';
import { containerCgroup, podCgroup, podOf, running } from './leak-run.ts';
import { nodeReady } from './real-node.ts';
import { BURNT_MILLIS, HELD_MIB, steady } from './steady.ts';

const MIB = 2 ** 20;
/** The aggregator's default. */
const STALENESS_MS = 60_000;
const EACH_MS = 500;
/** Longer than the waits in a test together would take, so that the one that is over says what did not happen. */
const TEST_MS = 600_000;
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM}/leases/headroom-aggregator`;
/** Without a look at its pod it would be the lease's 15 s. */
const TAKEN_MS = 10_000;

const WATCHED = ['holds', 'burns'];

/** How many users of inotify there may be: with none the agent is not notified of memory.events. */
const NOTIFICATIONS = '/proc/sys/fs/inotify/max_user_instances';

let installed: Installed | undefined;
let cluster: SeenCluster;
let notificationsBefore = '';
let kernel: FollowedCpu | undefined;

beforeAll(async () => {
  installed = await openInstalled({ before: steady(WATCHED) });
  ({ cluster } = installed);
  await Promise.all(WATCHED.map((name) => running(cluster, name)));
  kernel = followCpu(async () => containerCgroup(await podOf(cluster, 'burns')));
  await until('figures of both', async () => (await shown()).size === 2 || undefined, 60_000);
  notificationsBefore = (await inGuest(`cat ${NOTIFICATIONS}`)).trim();
});

afterAll(async () => {
  kernel?.close();
  try {
    if (notificationsBefore) await inGuest(`echo ${notificationsBefore} > ${NOTIFICATIONS}`);
  } finally {
    await cluster?.kubectl('delete', 'pods', ...WATCHED, '--wait=false', '--ignore-not-found');
    await installed?.close();
  }
});

/** What is served of the two pods; nothing while nobody answers. @throws Error where an answer is malformed */
async function shown(): Promise<ReadonlyMap<string, Served>> {
  const answer = await cluster.kube.call('GET', `${GROUP}/v1beta1/namespaces/default/pods`).catch(() => undefined);
  if (answer?.status !== 200) return new Map();
  const { items } = JSON.parse(answer.body.toString()) as { items: readonly PodMetrics[] };
  return new Map(
    items
      .filter(({ metadata: { name } }) => WATCHED.includes(name))
      .map((item) => [item.metadata.name, servedOf(item, item.containers[0]!.usage)]),
  );
}

interface Watched {
  /** Longest time without figures of both, ms. */
  readonly gapMs: number;
  readonly wrong: readonly string[];
}

/** Looks at the figures while `disturb` runs, and until both are served again after it, one of them with what the kernel says of it. */
async function watched(disturb: () => Promise<unknown>, settleMs: number): Promise<Watched> {
  const wrong: string[] = [];
  const burnt = new Map<string, Served>();
  let gapMs = 0;
  let lastMs = performance.now();
  const over = new AbortController();
  const look = async (): Promise<boolean> => {
    const figures = await shown().catch((error: unknown) => {
      wrong.push(String(error));
      return new Map<string, Served>();
    });
    const nowMs = performance.now();
    if (figures.size === 2) {
      gapMs = Math.max(gapMs, nowMs - lastMs);
      lastMs = nowMs;
    }
    const [holds, burns] = [figures.get('holds'), figures.get('burns')];
    if (holds && holds.memoryBytes > HELD_MIB * MIB * 1.03) wrong.push(`holds uses ${holds.memoryBytes / MIB} MiB`);
    if (burns) burnt.set(JSON.stringify(burns), burns);
    return figures.size === 2;
  };
  const looking = (async () => {
    while (!over.signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, EACH_MS));
    }
  })();
  try {
    await disturb();
    await until('both served again', async () => (await look()) || undefined, settleMs, EACH_MS);
    // By the node's clock, as the figures.
    const overMs = 1000 * Number(await inGuest('date +%s'));
    const isHeld = (figure: Served): boolean => figure.atMs > overMs && (kernel!.over(figure)?.least ?? 0) > 0;
    await until('a figure of after it', () => [...burnt.values()].some(isHeld) || undefined, 60_000, EACH_MS);
  } finally {
    over.abort();
    await looking;
  }
  gapMs = Math.max(gapMs, performance.now() - lastMs);
  return { gapMs, wrong: [...wrong, ...wrongCpu([...burnt.values()])] };
}

/** Those that are not what the kernel says of their windows; those of windows that it was not asked about may not be far off. */
function wrongCpu(figures: readonly Served[]): readonly string[] {
  const held = figures.flatMap((figure) => {
    const used = kernel!.over(figure);
    return used ? [{ ...figure, used }] : [];
  });
  process.stdout.write(`figure: ${held.length} of ${figures.length} figures of CPU held against the kernel's\n`);
  const wrong = held.flatMap(({ cpuMillis, windowMs, used: { least, most } }) => {
    const isRight = cpuMillis <= most * 1.05 && cpuMillis >= least * 0.95;
    const told = `burns uses ${cpuMillis.toFixed(1)} m over ${windowMs} ms (the kernel says ${least.toFixed(1)} to ${most.toFixed(1)} m)`;
    return isRight ? [] : [told];
  });
  const farOff = figures.filter((figure) => !kernel!.over(figure) && !(figure.cpuMillis <= 1.2 * BURNT_MILLIS));
  return [...wrong, ...farOff.map(({ cpuMillis, windowMs }) => `burns uses ${cpuMillis.toFixed(1)} m over ${windowMs} ms`)]; // prettier-ignore
}

const agentReady = async (restarts: number): Promise<true | undefined> => {
  const path = `/api/v1/namespaces/${SYSTEM}/pods?labelSelector=${AGENTS}`;
  const { items } = await cluster.kube.json<{ items: { status: { containerStatuses?: { ready: boolean; restartCount: number }[] } }[] }>('GET', path); // prettier-ignore
  const [agent] = items.flatMap(({ status }) => status.containerStatuses ?? []);
  return (agent?.ready === true && agent.restartCount >= restarts) || undefined;
};

/** Cgroups of pods that the API server has no pod of, and any beside those that the node began with. */
async function strayCgroups(): Promise<readonly string[]> {
  const { items } = await cluster.kube.json<{ items: { metadata: { uid: string } }[] }>('GET', '/api/v1/pods');
  const known = new Set(items.map(({ metadata: { uid } }) => `pod${uid}`));
  const found = (await inGuest("find /sys/fs/cgroup -type d -name 'pod*'")).trim().split('\n').map((path) => path.split('/').at(-1)!); // prettier-ignore
  const top = (await inGuest('ls -d /sys/fs/cgroup/*/'))
    .trim()
    .split('\n')
    .map((path) => path.split('/').at(-2)!);
  return [...found.filter((name) => !known.has(name)), ...top.filter((name) => !['kubepods', 'system'].includes(name))];
}

async function expectRightAgain(): Promise<void> {
  const figures = await until('the right figures', async () => {
    const found = await shown();
    const { memoryBytes = 0 } = found.get('holds') ?? {};
    const { cpuMillis = 0 } = found.get('burns') ?? {};
    return memoryBytes > HELD_MIB * MIB * 0.98 && cpuMillis > BURNT_MILLIS * 0.3 ? found : undefined;
  }, 60_000); // prettier-ignore
  expect(figures.size).toBe(2);
  await until('no stray cgroup', async () => (await strayCgroups()).length === 0 || undefined, 30_000, 500);
}

describe('figures go on', () => {
  it(
    'while the agent is killed and started again',
    async () => {
      const kill = async (): Promise<void> => {
        await inGuest(`kill -9 ${AGENT_PID}`);
        await until('the agent being ready again', () => agentReady(1), 120_000, EACH_MS);
        // For the next test.
        await cluster.apply(helped('helped-counted'));
      };
      await inGuest(`echo 0 > ${NOTIFICATIONS}`);
      const { gapMs, wrong } = await watched(kill, 60_000);
      process.stdout.write(`figure: agent killed: longest gap ${(gapMs / 1000).toFixed(1)} s\n`);
      expect(wrong).toEqual([]);
      expect(gapMs).toBeLessThan(STALENESS_MS);
      await expectRightAgain();
    },
    TEST_MS,
  );

  it(
    'while counters are all that there is, which is enough for a slow leak',
    async () => {
      try {
        const debug = await debugOfAgent(cluster);
        const lacking = await missing(debug).finally(() => debug.close());
        expect([...HOOKS, 'psi_triggers', 'memory_events'].filter((name) => !lacking.has(name))).toEqual([]);
        await expectHelped(cluster, 'helped-counted');
        await expectRightAgain();
      } finally {
        await inGuest(`echo ${notificationsBefore} > ${NOTIFICATIONS}`);
        await cluster.kubectl('delete', 'pod', 'helped-counted', '--wait=false', '--ignore-not-found');
      }
    },
    TEST_MS,
  );

  it(
    'while the kubelet is started again',
    async () => {
      const restart = async (): Promise<void> => {
        const before = (await inGuest('pidof kubelet')).trim();
        await inGuest(`kill ${before}`);
        await until('another kubelet', async () => {
        const { code, output } = await runInGuest('pidof kubelet');
        return (code === 0 && output.trim() !== before) || undefined;
      }, 30_000); // prettier-ignore
        await until('the node being Ready', async () => (await nodeReady(cluster)) || undefined, 60_000, EACH_MS);
      };
      const { gapMs, wrong } = await watched(restart, 60_000);
      process.stdout.write(`figure: kubelet restarted: longest gap ${(gapMs / 1000).toFixed(1)} s\n`);
      expect(wrong).toEqual([]);
      expect(gapMs).toBeLessThan(STALENESS_MS);
      for (const name of WATCHED) {
        expect((await podOf(cluster, name)).status.containerStatuses?.[0]).toMatchObject({ restartCount: 0 });
      }
      await expectRightAgain();
    },
    TEST_MS,
  );
});

// The deleted pod's successor is on its way when the node goes.
describe('the lease', () => {
  it('passes on soon after the pod of the replica that acts was deleted by force', async () => {
    const holder = async (): Promise<string> => {
      const { spec } = await cluster.kube.json<{ spec: { holderIdentity?: string } }>('GET', LEASE);
      return spec.holderIdentity ?? '';
    };
    const before = await holder();
    const name = before.slice(0, before.lastIndexOf('_'));
    await cluster.kubectlOk('delete', 'pod', name, '-n', SYSTEM, '--grace-period=0', '--force');
    const beganMs = performance.now();
    await until('another holder', async () => !['', before].includes(await holder()) || undefined, 30_000, 100);
    const tookMs = performance.now() - beganMs;
    process.stdout.write(`figure: another replica acts ${(tookMs / 1000).toFixed(1)} s after a force deletion\n`);
    expect(tookMs).toBeLessThan(TAKEN_MS);
  });
});

describe('figures come again', () => {
  it(
    'after the whole node was started again, and none of them is wrong on the way',
    async () => {
      const boots = async (): Promise<string> => (await inGuest('cat /proc/sys/kernel/random/boot_id')).trim();
      const reboot = async (): Promise<void> => {
        const before = await boots();
        await inGuest('(sleep 1; reboot -f) > /dev/null 2>&1 &');
        await until('another boot', async () => {
        const now = await boots().catch(() => before);
        return now !== before || undefined;
      }, 120_000, EACH_MS); // prettier-ignore
      };
      const { wrong } = await watched(reboot, INSTALL_MS);
      expect(wrong).toEqual([]);
      await expectRightAgain();
      for (const name of WATCHED) {
        const found = await podOf(cluster, name);
        expect((await runInGuest(`cat ${podCgroup(found)}/memory.max`)).output.trim()).toBe(String(200 * MIB));
      }
    },
    TEST_MS,
  );

  it(
    'while the DaemonSet is rolled',
    async () => {
      const podOfAgent = async (): Promise<string> => (await cluster.kubectlOk('get', 'pods', '-n', SYSTEM, '-l', AGENTS, '-o', 'name')).trim(); // prettier-ignore
      const before = await podOfAgent();
      // To the rights that the next file wants.
      const roll = (): Promise<string> => install(cluster, 'release', ['resize', 'ebpf'], INSTALL_MS);
      const { gapMs, wrong } = await watched(roll, 60_000);
      expect(await podOfAgent()).not.toBe(before);
      process.stdout.write(`figure: DaemonSet rolled: longest gap ${(gapMs / 1000).toFixed(1)} s\n`);
      expect(wrong).toEqual([]);
      expect(gapMs).toBeLessThan(STALENESS_MS);
      await expectRightAgain();
    },
    TEST_MS,
  );
});
