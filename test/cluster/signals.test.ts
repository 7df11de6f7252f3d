// Case (f): what the agent hears of the kernel by what it may do: with the ebpf component every hook, with plain rights notifications of
// memory.events, and without any of them the counters alone.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENTS, install, SYSTEM } from '../e2e/install.ts';
import { bytes } from '../e2e/metrics.ts';
import { until } from '../e2e/until.ts';
import { pod } from '../e2e/workloads.ts';
import type { SeenCluster } from './cluster.ts';
import { AGENT_PID, inGuest } from './guest-shell.ts';
import type { Installed } from './installed.ts';
import { INSTALL_MS, openInstalled } from './installed.ts';
import { ASKS, leakPod, podOf, running } from './leak-run.ts';
import { WORKLOAD } from './node-disk.ts';
import type { Forward } from './port-forward.ts';
import { forward, getJson } from './port-forward.ts';

interface Capability {
  readonly name: string;
  readonly available: boolean;
  readonly cause: string;
}

const HOOKS = ['memory_alarm', 'oom_begin', 'oom_victim', 'throttle', 'cgroup_life', 'run_queue'].map(
  (hook) => `ebpf_${hook}`,
);
/** What a leak that is killed, a throttled and a stalling container make them say. */
const HEARD_BY_HOOKS = ['memory-alarm', 'oom-begin', 'oom-victim', 'throttle', 'memory-events'];

let installed: Installed | undefined;
let cluster: SeenCluster;

beforeAll(async () => {
  installed = await openInstalled();
  ({ cluster } = installed);
});

afterAll(() => installed?.close());

async function debugOfAgent(): Promise<Forward> {
  const path = `/api/v1/namespaces/${SYSTEM}/pods?labelSelector=${AGENTS}`;
  const agent = await until('one agent', async () => {
    const { items } = await cluster.kube.json<{ items: { metadata: { name: string; deletionTimestamp?: string } }[] }>('GET', path); // prettier-ignore
    return items.length === 1 && items[0]!.metadata.deletionTimestamp === undefined ? items[0] : undefined;
  }, 60_000); // prettier-ignore
  return forward(cluster, `pod/${agent.metadata.name}`, SYSTEM, 9470);
}

async function missing(debug: Forward): Promise<ReadonlySet<string>> {
  const { capabilities } = await getJson<{ capabilities: readonly Capability[] }>(`${debug.url}/api/node`);
  return new Set(capabilities.filter(({ available }) => !available).map(({ name }) => name));
}

/** Kinds of signals that were noted until all the wanted ones are there. */
function heard(debug: Forward, wanted: readonly string[]): Promise<ReadonlySet<string>> {
  const kinds = new Set<string>();
  const ask = async (): Promise<ReadonlySet<string> | undefined> => {
    const { signals } = await getJson<{ signals: readonly { kind: string }[] }>(`${debug.url}/api/signals?after=0`);
    for (const { kind } of signals) kinds.add(kind);
    return wanted.every((kind) => kinds.has(kind)) ? kinds : undefined;
  };
  return until(`signals ${wanted.join(', ')}`, ask, 90_000, 1000).catch((error: unknown) => {
    throw new Error(`heard ${[...kinds].join(', ')} only`, { cause: error });
  });
}

const throttled = pod({ name: 'throttled', containers: [{ name: 'main', image: WORKLOAD, args: ['burn', '900'], requests: { memory: '16Mi', cpu: '20m' }, limits: { cpu: '60m', memory: '64Mi' } }] }); // prettier-ignore
const killed = (name: string): object =>
  leakPod({ name, startMib: 10, mibPerSecond: 8, mostMib: 80, limit: '48Mi', afterS: 5 });
const helped = (name: string): object => leakPod({ name, startMib: 24, mibPerSecond: 5, mostMib: 100, limit: '80Mi', afterS: 6, annotations: ASKS }); // prettier-ignore

async function expectHelped(name: string): Promise<void> {
  await running(cluster, name);
  await until(`${name} resized`, async () => {
    const limit = (await podOf(cluster, name)).status.containerStatuses?.[0]?.resources?.limits?.['memory'] ?? '0';
    return bytes(limit) > 80 * 2 ** 20 || undefined;
  }, 60_000); // prettier-ignore
  expect((await podOf(cluster, name)).status.containerStatuses?.[0]).toMatchObject({ restartCount: 0, lastState: {} });
}

describe('the agent', () => {
  it('hears of memory.events with plain rights, and says what it lacks', async () => {
    const debug = await debugOfAgent();
    try {
      expect([...(await missing(debug))]).toEqual(expect.arrayContaining([...HOOKS, 'psi_triggers']));
      expect((await missing(debug)).has('memory_events')).toBe(false);
      await cluster.apply(killed('killed-plain'), helped('helped-plain'));
      expect((await heard(debug, ['memory-events'])).has('oom-victim')).toBe(false);
      await expectHelped('helped-plain');
    } finally {
      debug.close();
      await cluster.kubectlOk('delete', 'pod', 'killed-plain', 'helped-plain', '--wait=false');
    }
  });

  it('hears every hook with the ebpf component, within its memory limit', async () => {
    await install(cluster, 'release', ['resize', 'ebpf'], INSTALL_MS);
    const debug = await debugOfAgent();
    try {
      const lacking = await missing(debug);
      expect([...HOOKS, 'psi_triggers', 'memory_events'].filter((name) => lacking.has(name))).toEqual([]);
      await cluster.apply(killed('killed-ebpf'), throttled, helped('helped-ebpf'));
      await heard(debug, HEARD_BY_HOOKS);
      await expectHelped('helped-ebpf');
      // A path in /proc/<pid>/cgroup is the whole machine's here: the shell is in the first namespace.
      const agent = await inGuest(`cat /sys/fs/cgroup$(cut -d : -f 3 /proc/${AGENT_PID}/cgroup)/memory.events`);
      expect(agent).toMatch(/^oom_kill 0$/m);
    } finally {
      debug.close();
      await cluster.kubectlOk('delete', 'pod', 'killed-ebpf', 'throttled', 'helped-ebpf', '--wait=false');
    }
  }, 400_000);

  it('counts alone where it may hear nothing, and that is enough for a slow leak', async () => {
    const before = (await inGuest('cat /proc/sys/fs/inotify/max_user_instances')).trim();
    await inGuest('echo 0 > /proc/sys/fs/inotify/max_user_instances');
    try {
      await install(cluster, 'release', ['resize'], INSTALL_MS);
      const debug = await debugOfAgent();
      try {
        const lacking = await missing(debug);
        expect([...HOOKS, 'psi_triggers', 'memory_events'].filter((name) => !lacking.has(name))).toEqual([]);
        await cluster.apply(helped('helped-counted'));
        await expectHelped('helped-counted');
      } finally {
        debug.close();
      }
    } finally {
      await inGuest(`echo ${before} > /proc/sys/fs/inotify/max_user_instances`);
    }
  }, 400_000);
});
