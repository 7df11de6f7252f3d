// Case (a): kubectl top right after the install. rest.test.ts has every figure against the kubelet's own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENTS, SYSTEM } from '../e2e/install.ts';
import { eventually } from '../e2e/until.ts';
import type { SeenCluster } from './cluster.ts';
import type { Installed } from './installed.ts';
import { openInstalled } from './installed.ts';
import { forward } from './port-forward.ts';
import { NODE_NAME } from './real-node.ts';
import { STEADY } from './steady.ts';

let installed: Installed | undefined;
let cluster: SeenCluster;

beforeAll(async () => {
  installed = await openInstalled({ before: STEADY });
  ({ cluster } = installed);
});

afterAll(() => installed?.close());

interface ListedPod {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly containers: readonly { readonly name: string }[] };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly lastTransitionTime: string }[];
  };
}

const readyMs = ({ status }: ListedPod): number => Date.parse(status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? ''); // prettier-ignore

const list = async (path: string): Promise<readonly ListedPod[]> =>
  (await cluster.kube.json<{ items: ListedPod[] }>('GET', path)).items;

describe('kubectl top', () => {
  it('shows the node and every container within 10 s of the agent being Ready', async () => {
    const pods = await list('/api/v1/pods');
    const expected = pods.flatMap(({ metadata, spec }) =>
      spec.containers.map(({ name }) => `${metadata.name} ${name}`),
    );
    const tops = async () => {
      const [node, containers] = await Promise.all([
        cluster.kubectlOk('top', 'node', '--no-headers'),
        cluster.kubectlOk('top', 'pod', '-A', '--containers', '--no-headers'),
      ]);
      expect(node.trim().split(/\s+/)[0]).toBe(NODE_NAME);
      const shown = containers.trim().split('\n').map((line) => line.split(/\s+/).slice(1, 3).join(' ')); // prettier-ignore
      expect(shown.toSorted()).toEqual(expected.toSorted());
    };
    await eventually(tops, 60_000);
    const nowMs = Date.now();
    const agents = await list(`/api/v1/namespaces/${SYSTEM}/pods?labelSelector=${AGENTS}`);
    const workloads = await list('/api/v1/namespaces/default/pods');
    // Condition times are whole seconds, rounded down. Nobody has figures of a container that is not there yet.
    const [agentS, workloadsS] = [agents, workloads].map((each) => (nowMs - Math.max(...each.map(readyMs))) / 1000) as [number, number]; // prettier-ignore
    process.stdout.write(`figure: kubectl top complete ${agentS.toFixed(1)} s after the agent's Ready, ${workloadsS.toFixed(1)} s after the last workload's\n`); // prettier-ignore
    expect(Math.min(agentS, workloadsS)).toBeLessThan(11);
  });
});

describe('an aggregator', () => {
  it('says what has no metrics through a forwarded port, as docs/debugging.md has it', async () => {
    const { url, close } = await forward(cluster, 'deploy/headroom-aggregator', SYSTEM, 4443);
    try {
      const server = url.replace('http://127.0.0.1', 'https://localhost');
      const ask = () => cluster.kubectlOk('get', '--raw', '/debug/missing', `--server=${server}`, '--insecure-skip-tls-verify'); // prettier-ignore
      const nothing = async () => expect(JSON.parse(await ask())).toMatchObject({ nodes: [], pods: [] });
      await eventually(nothing, 20_000);
    } finally {
      close();
    }
  });
});
