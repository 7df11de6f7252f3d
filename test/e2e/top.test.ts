// Installed by `kubectl apply -k deploy/overlays/release`: the API is registered, and kubectl's forms and the raw API answer.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';
import { install } from './install.ts';
import { counted, GROUP, nodeMetrics } from './metrics.ts';
import { eventually } from './until.ts';
import { deployment, pod } from './workloads.ts';

const MIB = 1024 * 1024;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    nodes: ['n1', 'n2', 'n3'].map((name) => ({ name, cgroups: 'files' as const })),
  });
  cluster.fleet.loads.set('web', {
    namespace: 'default',
    labels: { app: 'web' },
    cpuCores: 0.6,
    memoryBytes: 600 * MIB,
  });
  cluster.fleet.loads.set('big', {
    namespace: 'default',
    labels: { app: 'big' },
    cpuCores: 0.05,
    memoryBytes: 700 * MIB,
  });
  await install(cluster);
  await cluster.kubectlOk('create', 'namespace', 'other');
  await cluster.apply(
    deployment({ name: 'web', containers: [{ name: 'main' }, { name: 'side' }] }, 3),
    pod({ name: 'big', containers: [{ name: 'main' }] }),
    pod({ name: 'far', namespace: 'other', containers: [{ name: 'main' }] }),
  );
  await counted(cluster, 'default', 4);
  await counted(cluster, 'other', 1);
});

afterAll(async () => {
  await cluster?.close();
});

const top = (...args: readonly string[]): Promise<string> => cluster.kubectlOk('top', ...args);
const rows = (text: string): readonly (readonly string[])[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));

describe('kubectl top', () => {
  it('shows every node with its share of the capacity', async () => {
    const [head, ...nodes] = rows(await top('node'));
    expect(head).toEqual(['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)']);
    expect(nodes.map(([name]) => name)).toEqual(['n1', 'n2', 'n3']);
    for (const [, cpu, , memory] of nodes)
      expect([cpu, memory]).toEqual([expect.stringMatching(/^\d+m$/), expect.stringMatching(/^\d+Mi$/)]);
    expect(rows(await top('node', 'n2'))[1]?.[0]).toBe('n2');
  });

  it('shows the pods of one namespace, and of all', async () => {
    const own = rows(await top('pod'));
    expect(own[0]).toEqual(['NAME', 'CPU(cores)', 'MEMORY(bytes)']);
    expect(own).toHaveLength(5);
    const all = rows(await top('pod', '-A'));
    expect(all[0]).toEqual(['NAMESPACE', 'NAME', 'CPU(cores)', 'MEMORY(bytes)']);
    expect(new Set(all.slice(1).map(([namespace]) => namespace))).toEqual(
      new Set(['default', 'other', 'headroom-system']),
    );
  });

  it('shows containers, one pod, a selection', async () => {
    const containers = rows(await top('pod', '--containers', '-l', 'app=web', '--no-headers'));
    expect(containers.map(([, name]) => name)).toEqual(['main', 'side', 'main', 'side', 'main', 'side']);
    expect(rows(await top('pod', 'big', '--no-headers')).map(([name]) => name)).toEqual(['big']);
    expect(rows(await top('pod', '-l', 'app in (big,none)', '--no-headers'))).toHaveLength(1);
    expect(rows(await top('pod', '--field-selector', 'metadata.name=big', '--no-headers'))).toHaveLength(1);
  });

  it('sorts, and sums', async () => {
    const amount = (cell = ''): number => Number(/^\d+/.exec(cell)?.[0]);
    const byCpu = rows(await top('pod', '--sort-by=cpu', '--no-headers'));
    expect(byCpu.at(-1)?.[0]).toBe('big');
    const byMemory = rows(await top('pod', '--sort-by=memory', '--no-headers'));
    expect(byMemory[0]?.[0]).toBe('big');
    const summed = rows(await top('pod', '--sum', '--no-headers'));
    const [cpu, memory] = summed.at(-1)!;
    const parts = summed.slice(0, 4);
    // Each part is rounded to millicores and MiB.
    expect(Math.abs(amount(cpu) - parts.reduce((sum, row) => sum + amount(row[1]), 0))).toBeLessThanOrEqual(4);
    expect(Math.abs(amount(memory) - parts.reduce((sum, row) => sum + amount(row[2]), 0))).toBeLessThanOrEqual(4);
  });

  it('shows what the containers use', async () => {
    await eventually(async () => {
      const [, cpu, memory] = rows(await top('pod', 'big', '--no-headers'))[0]!;
      expect(Number.parseInt(cpu!, 10)).toBeGreaterThanOrEqual(48);
      expect(Number.parseInt(cpu!, 10)).toBeLessThanOrEqual(52);
      expect(memory).toBe('700Mi');
    }, 30_000);
  });
});

const raw = (path: string, accept: string) => cluster.kube.call('GET', path, { headers: { accept } });

describe.each(['v1', 'v1beta1'])('metrics.k8s.io/%s', (version) => {
  it('lists in JSON, with the keys that autoscalers need', async () => {
    const answer = await raw(`${GROUP}/${version}/pods`, 'application/json');
    const list = JSON.parse(answer.body.toString()) as { kind: string; apiVersion: string; items: object[] };
    expect(list).toMatchObject({ kind: 'PodMetricsList', apiVersion: `metrics.k8s.io/${version}` });
    for (const item of list.items) {
      expect(item).toMatchObject({
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
        window: expect.stringMatching(/s$/) as string,
      });
    }
    const usages = list.items.flatMap((item) => (item as { containers: { usage: object }[] }).containers);
    // No node here swaps.
    for (const { usage } of usages) expect(Object.keys(usage)).toEqual(['cpu', 'memory']);
  });

  it('answers in YAML', async () => {
    const yaml = await raw(`${GROUP}/${version}/nodes`, 'application/yaml');
    expect(yaml.headers['content-type']).toBe('application/yaml');
    expect(yaml.body.toString()).toMatch(/^kind: NodeMetricsList$/m);
  });

  it('answers as a table', async () => {
    const table = await raw(`${GROUP}/${version}/nodes`, 'application/json;as=Table;g=meta.k8s.io;v=v1');
    const {
      kind,
      columnDefinitions,
      rows: found,
    } = JSON.parse(table.body.toString()) as {
      kind: string;
      columnDefinitions: { name: string }[];
      rows: unknown[];
    };
    expect([kind, columnDefinitions.map(({ name }) => name), found.length]).toEqual([
      'Table',
      ['Name', 'cpu', 'memory', 'Window'],
      3,
    ]);
  });

  it('answers in protobuf', async () => {
    const protobuf = await raw(`${GROUP}/${version}/nodes`, 'application/vnd.kubernetes.protobuf');
    expect(protobuf.headers['content-type']).toBe('application/vnd.kubernetes.protobuf');
    expect(protobuf.body.subarray(0, 4)).toEqual(Buffer.from('k8s\0'));
    expect(protobuf.body.includes('NodeMetricsList')).toBe(true);
  });

  it('is discovered with its resources', async () => {
    const { resources } = await cluster.kube.json<{ resources: { name: string; kind: string }[] }>(
      'GET',
      `${GROUP}/${version}`,
    );
    expect(resources.map(({ name, kind }) => [name, kind])).toEqual([
      ['nodes', 'NodeMetrics'],
      ['pods', 'PodMetrics'],
    ]);
  });
});

describe('kubectl get', () => {
  it('prints the table', async () => {
    expect(rows(await cluster.kubectlOk('get', 'nodes.metrics.k8s.io'))[0]).toEqual([
      'NAME',
      'CPU',
      'MEMORY',
      'WINDOW',
    ]);
    expect(rows(await cluster.kubectlOk('get', 'pods.metrics.k8s.io', '-A')).length).toBeGreaterThan(5);
  });

  it('explains the type', async () => {
    expect(await cluster.kubectlOk('explain', 'podmetrics.containers.usage')).toMatch(/KIND: +PodMetrics/);
  });
});

describe('the items', () => {
  it('name every node once, in one order each time', async () => {
    const names = (await nodeMetrics(cluster.kube)).map(({ metadata }) => metadata.name);
    expect(names.toSorted()).toEqual(['n1', 'n2', 'n3']);
    expect((await nodeMetrics(cluster.kube)).map(({ metadata }) => metadata.name)).toEqual(names);
  });
});
