// Case (h): nothing stays behind.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bytes } from '../e2e/metrics.ts';
import { eventually, until } from '../e2e/until.ts';
import { pod } from '../e2e/workloads.ts';
import type { SeenCluster } from './cluster.ts';
import { inGuest } from './guest-shell.ts';
import type { Installed } from './installed.ts';
import { openInstalled, uninstall } from './installed.ts';
import { acceptedPatches, ASKS, containerCgroup, podOf, running } from './leak-run.ts';
import { WORKLOAD } from './node-disk.ts';

let installed: Installed | undefined;
let cluster: SeenCluster;

beforeAll(async () => {
  installed = await openInstalled();
  ({ cluster } = installed);
});

afterAll(() => installed?.close());

/** `kind/name` of everything that has headroom in its name, any namespace; Events are told, not made to stay. */
async function objects(): Promise<readonly string[]> {
  const kinds = (await cluster.kubectlOk('api-resources', '--verbs=list', '-o', 'name')).trim().split('\n');
  const asked = kinds.filter((kind) => !/^events|\.metrics\.k8s\.io$/.test(kind)).join(',');
  const all = await cluster.kubectl('get', asked, '-A', '-o', 'name', '--ignore-not-found');
  return all.stdout.split('\n').filter((name) => name.includes('headroom'));
}

/** Of the node's file system, beside the images, the node's own configuration and containerd's records. */
async function files(): Promise<string> {
  const left = ['/proc', '/sys', '/dev', '/etc/node', '/var/lib/containerd', '/run/containerd'].map((path) => `-path ${path}`).join(' -o '); // prettier-ignore
  return inGuest(`find / \\( ${left} \\) -prune -o -name '*headroom*' -print`);
}

it('uninstalling leaves no object, no file and no limit but those that the pods’ specs have', async () => {
  const container = { name: 'main', image: WORKLOAD, args: ['leak', '24', '10', '90', '4'], requests: { memory: '32Mi' }, limits: { memory: '80Mi' } }; // prettier-ignore
  await cluster.apply(pod({ name: 'grew', annotations: ASKS, containers: [container] }));
  await running(cluster, 'grew');
  const grown = await until('a resize', async () => {
    const found = await podOf(cluster, 'grew');
    const limit = bytes(found.status.containerStatuses?.[0]?.resources?.limits?.['memory'] ?? '0');
    return limit > 80 * 2 ** 20 ? limit : undefined;
  }, 60_000); // prettier-ignore
  expect(await objects()).not.toEqual([]);
  await uninstall(cluster, installed!.folder);
  expect(await objects()).toEqual([]);
  // The kubelet removes links to the logs of gone containers each minute.
  await eventually(async () => expect(await files()).toBe(''), 100_000, 1000);
  const after = await podOf(cluster, 'grew');
  const folder = containerCgroup(after);
  const limit = bytes(after.spec.containers[0]!.resources!.limits!['memory']!);
  expect(limit).toBeGreaterThanOrEqual(grown);
  expect((await inGuest(`cd ${folder}; cat memory.max memory.high memory.low memory.min`)).trim().split('\n')).toEqual([String(limit), 'max', '0', '0']); // prettier-ignore
  expect(acceptedPatches(cluster, 'grew').length).toBeGreaterThanOrEqual(1);
  expect(after.status.containerStatuses?.[0]).toMatchObject({ restartCount: 0 });
});
