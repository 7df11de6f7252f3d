// Cases (d) and (e): CPU raised for a throttled container, and what a real kubelet and API server refuse: each is remembered,
// explained in an Event, and not asked for again and again. All at once: most of the time is the kubelet's own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Condition, KubeEvent, Pod } from '../../aggregator/standalone/api/objects.ts';
import { bytes, millis } from '../e2e/metrics.ts';
import { eventually, until } from '../e2e/until.ts';
import type { ContainerShape } from '../e2e/workloads.ts';
import { pod } from '../e2e/workloads.ts';
import type { AgentCost } from './agent-cost.ts';
import { agentCost } from './agent-cost.ts';
import type { SeenCluster } from './cluster.ts';
import { inGuest } from './guest-shell.ts';
import type { Installed } from './installed.ts';
import { openInstalled } from './installed.ts';
import { acceptedPatches, ASKS, containerCgroup, podOf, resizeAnswers, running } from './leak-run.ts';
import { WORKLOAD } from './node-disk.ts';
import { NODE_NAME } from './real-node.ts';

const MIB = 2 ** 20;
let installed: Installed | undefined;
let cluster: SeenCluster;
let cost: (() => Promise<AgentCost>) | undefined;

beforeAll(async () => {
  // It counts some seconds later.
  installed = await openInstalled({ before: RULES, after: [throttled, shrinks, ...ASKERS] });
  ({ cluster } = installed);
  cost = await agentCost();
});

afterAll(async () => {
  try {
    const since = await cost?.();
    if (since) process.stdout.write(`figure: the agent takes ${(100 * since.cpuShare).toFixed(1)} % of an emulated core beside the refusals\n`); // prettier-ignore
  } finally {
    const made = ['namespace/limited', 'namespace/ruled', 'validatingadmissionpolicybinding/no-resize', 'validatingadmissionpolicy/no-resize']; // prettier-ignore
    await cluster?.kubectl('delete', ...made, '--ignore-not-found', '--wait=false');
    await installed?.close();
  }
});

/** Nobody is resized in namespaces with the label, nor above 80 MiB in the other one. */
const RULES: readonly object[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'limited' } },
  {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'most', namespace: 'limited' },
    spec: { limits: [{ type: 'Container', max: { memory: '80Mi' } }] },
  },
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ruled', labels: { ruled: 'true' } } },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'no-resize' },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods/resize'] }],
      },
      validations: [{ expression: 'false', message: 'nobody is resized here', reason: 'Invalid' }],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'no-resize' },
    spec: {
      policyName: 'no-resize',
      validationActions: ['Deny'],
      matchResources: { namespaceSelector: { matchLabels: { ruled: 'true' } } },
    },
  },
];

const container = (args: string, requests: object, limits: object): ContainerShape => ({
  name: 'main',
  image: WORKLOAD,
  args: args.split(' '),
  requests: { ...requests },
  limits: { ...limits },
});

const podOfOne = (name: string, shape: ContainerShape, annotations: Record<string, string> = {}, namespace = 'default') => pod({ name, namespace, annotations, containers: [shape] }); // prettier-ignore

const start = (...shape: Parameters<typeof podOfOne>) => cluster.apply(podOfOne(...shape));

const throttled = podOfOne('throttled', container('burn 900', { cpu: '50m', memory: '16Mi' }, { cpu: '100m', memory: '64Mi' }), { 'headroom.dev/resize': 'true', 'headroom.dev/max-cpu': '250m' }); // prettier-ignore
const shrinks = podOfOne('shrinks', container('hold 80', { cpu: '20m', memory: '16Mi' }, { memory: '160Mi' }));
const ASKERS = ['limited', 'ruled'].map((namespace) => podOfOne('asks', container('leak 20 4 60 8', { cpu: '50m', memory: '32Mi' }, { memory: '64Mi' }), ASKS, namespace)); // prettier-ignore

const conditionOf = (found: Pod, type: string): Condition | undefined => found.status.conditions?.find((each) => each.type === type && each.status === 'True'); // prettier-ignore

async function eventsOf(name: string, namespace = 'default'): Promise<readonly KubeEvent[]> {
  const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=involvedObject.name=${name}`;
  return (await cluster.kube.json<{ items: KubeEvent[] }>('GET', path)).items;
}

const saidOf = async (name: string, reason: string, namespace?: string): Promise<readonly string[]> =>
  (await eventsOf(name, namespace)).filter((each) => each.reason === reason).map(({ message }) => message ?? '');

const readNumber = async (file: string): Promise<number> => Number((await inGuest(`cat ${file}`)).split(' ')[0]);

describe.concurrent('a throttled container', () => {
  it('gets more CPU while it runs', async () => {
    const before = await running(cluster, 'throttled');
    const raised = await until('a higher CPU limit in force', async () => {
      const found = await podOf(cluster, 'throttled');
      const limit = millis(found.status.containerStatuses?.[0]?.resources?.limits?.['cpu'] ?? '0');
      return limit > 100 && !conditionOf(found, 'PodResizeInProgress') ? { found, limit } : undefined;
    }, 60_000); // prettier-ignore
    expect(raised.limit).toBeLessThanOrEqual(250);
    expect(raised.found.status.containerStatuses?.[0]).toMatchObject({ restartCount: 0 });
    expect(await readNumber(`${containerCgroup(before)}/cpu.max`)).toBe(raised.limit * 100);
    await cluster.kubectlOk('delete', 'pod', 'throttled', '--wait=false');
  });
});

describe.concurrent('a limit under what is used', () => {
  it('is an error of the kubelet until the memory is freed, and Headroom leaves it alone', async () => {
    const before = await running(cluster, 'shrinks');
    await eventually(async () => expect(await readNumber(`${containerCgroup(before)}/memory.current`)).toBeGreaterThan(80 * MIB)); // prettier-ignore
    const patch = JSON.stringify({ spec: { containers: [{ name: 'main', resources: { limits: { memory: '48Mi' } } }] } }); // prettier-ignore
    await cluster.kubectlOk('patch', 'pod', 'shrinks', '--subresource=resize', '-p', patch);
    const reasons = new Set<string>();
    await until('the kubelet telling an error', async () => {
      const progress = conditionOf(await podOf(cluster, 'shrinks'), 'PodResizeInProgress');
      if (progress) reasons.add(progress.reason ?? '');
      return reasons.has('Error') || undefined;
    }, 60_000); // prettier-ignore
    expect([...reasons]).toEqual(['', 'Error']);
    expect(await readNumber(`${containerCgroup(before)}/memory.max`)).toBe(160 * MIB);
    await cluster.kubectlOk('exec', 'shrinks', '--', '/workload', 'tell', 'release');
    await until('the lower limit in force', async () => {
      const found = await podOf(cluster, 'shrinks');
      const limit = bytes(found.status.containerStatuses?.[0]?.resources?.limits?.['memory'] ?? '0');
      return (limit === 48 * MIB && !conditionOf(found, 'PodResizeInProgress')) || undefined;
    }, 60_000); // prettier-ignore
    expect(await readNumber(`${containerCgroup(before)}/memory.max`)).toBe(48 * MIB);
    expect((await podOf(cluster, 'shrinks')).status.containerStatuses?.[0]).toMatchObject({ restartCount: 0 });
    expect(resizeAnswers(cluster, 'shrinks')).toEqual([]);
    await cluster.kubectlOk('delete', 'pod', 'shrinks', '--wait=false');
  });
});

describe.concurrent('a full node', () => {
  it('defers the raise, which is not asked for again and comes when there is room', async () => {
    const node = await cluster.kube.json<{ status: { allocatable: Record<string, string> } }>('GET', `/api/v1/nodes/${NODE_NAME}`); // prettier-ignore
    const pods = await cluster.kube.json<{ items: Pod[] }>('GET', '/api/v1/pods');
    const requested = pods.items.flatMap(({ spec }) => spec.containers).reduce((sum, { resources }) => sum + bytes(resources?.requests?.['memory'] ?? '0'), 0); // prettier-ignore
    const room = bytes(node.status.allocatable['memory']!) - requested;
    // Beside the leak's own request 16 MiB are left, and 32 more when the other tests' pods have gone: the raise asks for 128 at least.
    const filler = `${Math.floor(room / MIB) - 256 - 16}Mi`;
    await start('fills', container('pause', { memory: filler }, {}));
    // Guaranteed, with the CPU that it takes to grow.
    const same = { cpu: '300m', memory: '256Mi' };
    await start('waits', container('leak 40 30 240 4', same, same), ASKS);
    const [before] = await Promise.all([running(cluster, 'waits'), running(cluster, 'fills')]);
    const deferred = await until('the raise being deferred', async () => conditionOf(await podOf(cluster, 'waits'), 'PodResizePending'), 60_000); // prettier-ignore
    expect(deferred).toMatchObject({ reason: 'Deferred', message: expect.stringContaining('memory') as string });
    expect(await readNumber(`${containerCgroup(before)}/memory.max`)).toBe(256 * MIB);
    await cluster.kubectlOk('delete', 'pod', 'fills', '--wait=false');
    await until('the raise in force', async () => {
      const found = await podOf(cluster, 'waits');
      return bytes(found.status.containerStatuses?.[0]?.resources?.limits?.['memory'] ?? '0') > 256 * MIB || undefined;
    }, 60_000); // prettier-ignore
    expect((await podOf(cluster, 'waits')).status.containerStatuses?.[0]).toMatchObject({ restartCount: 0 });
    expect(acceptedPatches(cluster, 'waits')).toHaveLength(1);
    await eventually(async () => expect(await saidOf('waits', 'HeadroomResizeConfirmed')).toHaveLength(1), 30_000);
    await cluster.kubectlOk('delete', 'pod', 'waits', '--wait=false');
  });
});

describe.concurrent('what the API server refuses', () => {
  /** With what was asked, what was said, and what the replicas' logs have of it and of the lease. */
  const explained = async (error: unknown, namespace: string): Promise<never> => {
    const log = await cluster.logsOf('headroom-aggregator');
    const lines = log.split('\n').filter((line) => /asks|event not written|lease/.test(line));
    const answers = resizeAnswers(cluster, 'asks', namespace);
    const said = (await eventsOf('asks', namespace)).map(({ reason, message }) => `${reason}: ${message}`);
    throw new Error(`answers ${answers.join(', ') || 'none'}; events:\n${said.join('\n')}\nlogs:\n${lines.join('\n')}`, { cause: error }); // prettier-ignore
  };

  const refusedOnce = async (namespace: string, code: number, why: RegExp): Promise<void> => {
    await running(cluster, 'asks', namespace);
    await eventually(async () => {
      const said = await saidOf('asks', 'HeadroomResizeRefused', namespace);
      expect(said.join('\n')).toMatch(why);
    }, 60_000);
    // The need lasts: the replica that acts asks again after 5, then 10 s.
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    const answers = resizeAnswers(cluster, 'asks', namespace);
    expect(new Set(answers)).toEqual(new Set([code]));
    expect(answers.length).toBeLessThanOrEqual(3);
    // Once, though the wanted limit grows with the need.
    expect(await saidOf('asks', 'HeadroomResizeRefused', namespace)).toHaveLength(1);
    const found = await podOf(cluster, 'asks', namespace);
    expect(found.metadata.generation).toBe(1);
    expect(found.status.containerStatuses?.[0]).toMatchObject({ restartCount: 0 });
  };

  const expectRefused = (namespace: string, code: number, why: RegExp): Promise<void> =>
    refusedOnce(namespace, code, why).catch((error: unknown) => explained(error, namespace));

  it('by a LimitRange (403) is remembered and explained', async () => {
    await expectRefused('limited', 403, /HTTP 403 Forbidden: .*maximum memory usage per Container is 80Mi/);
  });

  it('by a policy (422) is remembered and explained', async () => {
    await expectRefused('ruled', 422, /HTTP 422 Invalid: .*nobody is resized here/);
  });
});
