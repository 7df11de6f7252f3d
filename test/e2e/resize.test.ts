// A pod that asks for it is resized through pods/resize of a real API server, with exactly the rights that the manifests give;
// without the component nothing is patched, and why is said. What the aggregator asked of the server is in its audit log.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pod } from '../../aggregator/standalone/api/objects.ts';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';
import { addAggregatorFlag, install, SYSTEM } from './install.ts';
import { bytes, counted } from './metrics.ts';
import { eventually, until } from './until.ts';
import { pod } from './workloads.ts';

const MIB = 1024 * 1024;
const AGGREGATOR = `system:serviceaccount:${SYSTEM}:headroom-aggregator`;
const RESIZE = { 'headroom.dev/resize': 'true', 'headroom.dev/max-memory': '1Gi' };

let cluster: Cluster;

async function clusterWith(components: readonly string[]): Promise<void> {
  cluster = await startCluster({ nodes: [{ name: 'n1', cgroups: 'files' }], auditUsers: [AGGREGATOR] });
  await install(cluster, 'release', components);
}

const memory = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } };

async function twins(): Promise<void> {
  const containers = [{ name: 'main', ...memory }];
  await cluster.apply(pod({ name: 'asks', containers, annotations: RESIZE }), pod({ name: 'silent', containers }));
  grow(60 * MIB);
  await counted(cluster, 'default', 2);
}

function grow(memoryBytes: number): void {
  for (const name of ['asks', 'silent']) {
    cluster.fleet.loads.set(name, { namespace: 'default', labels: { app: name }, cpuCores: 0.05, memoryBytes });
  }
}

/** Both leak 20 MiB/s up to just under their limits. */
async function leak(): Promise<void> {
  for (let used = 60; used <= 250; used += 2) {
    grow(used * MIB);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const current = (name: string): Promise<Pod> => cluster.kube.json('GET', `/api/v1/namespaces/default/pods/${name}`);
const limitOf = (found: Pod): number =>
  bytes(found.status.containerStatuses?.[0]?.resources?.limits?.['memory'] ?? '0');

interface AuditEvent {
  readonly verb: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
}

/** Writes of the aggregator on pods, as the API server logged them. */
function podWrites(): readonly string[] {
  return readFileSync(cluster.controlPlane.auditFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ verb, objectRef }) => objectRef?.resource === 'pods' && !['get', 'list', 'watch'].includes(verb))
    .map(
      ({ verb, objectRef, responseStatus }) =>
        `${verb} ${objectRef?.resource}/${objectRef?.subresource} ${objectRef?.name} ${responseStatus?.code}`,
    );
}

async function eventsOf(name: string): Promise<string> {
  return cluster.kubectlOk('get', 'events', '--field-selector', `involvedObject.name=${name}`);
}

describe('with the resize component', () => {
  beforeAll(async () => {
    await clusterWith(['resize']);
    await twins();
  });

  afterAll(async () => {
    await cluster?.close();
  });

  it('resizes the pod that asks before it is at its limit, and no other', async () => {
    await leak();
    const resized = await until('a higher limit', async () => {
      const found = await current('asks');
      return limitOf(found) > 256 * MIB ? found : undefined;
    });
    expect(limitOf(resized)).toBeLessThanOrEqual(1024 * MIB);
    expect(resized.status.containerStatuses?.[0]?.restartCount).toBe(0);
    expect(limitOf(await current('silent'))).toBe(256 * MIB);
    expect((await current('silent')).metadata.generation).toBe(1);
    await eventually(async () => expect(await eventsOf('asks')).toMatch(/HeadroomResize/), 10_000);
    expect(await eventsOf('silent')).not.toMatch(/Headroom/);
    // Both replicas may try: the patch's test operations let one of them through.
    expect(podWrites()).toContain('patch pods/resize asks 200');
    for (const write of podWrites()) expect(write).toMatch(/^patch pods\/resize asks (200|422)$/);
  });
});

describe('without it', () => {
  beforeAll(async () => {
    await clusterWith([]);
    await twins();
  });

  afterAll(async () => {
    await cluster?.close();
  });

  it('asks the API server for no write on pods at all', async () => {
    await leak();
    // A shortage is pushed and decided within a second.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(podWrites()).toEqual([]);
    expect((await current('asks')).metadata.generation).toBe(1);
  });

  it('patches nothing when its role is told to all the same, and says why', async () => {
    grow(60 * MIB);
    await addAggregatorFlag(cluster, '--resize=on');
    await counted(cluster, 'default', 2);
    await leak();
    const said = await until('the reason', async () => {
      const text = `${await eventsOf('asks')}${cluster.logsOf('headroom-aggregator')}`;
      return /cannot patch resource .{0,4}pods\/resize/.test(text) ? text : undefined;
    });
    expect(said).toContain(AGGREGATOR);
    expect(limitOf(await current('asks'))).toBe(256 * MIB);
    expect((await current('asks')).metadata.generation).toBe(1);
    // Remembered: not asked again at each sign of the shortage, by either replica.
    expect(podWrites().length).toBeLessThanOrEqual(4);
    for (const write of podWrites()) expect(write).toBe('patch pods/resize asks 403');
  });
});
