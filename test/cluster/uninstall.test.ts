// Case (h): nothing stays behind; and what becomes of the leak of case (b) then, while the kubelet tidies up.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../e2e/install.ts';
import { bytes } from '../e2e/metrics.ts';
import { eventually, until } from '../e2e/until.ts';
import type { SeenCluster } from './cluster.ts';
import { inGuest } from './guest-shell.ts';
import { expectHelped, helped, HELPED_LAST } from './hearing.ts';
import type { Installed } from './installed.ts';
import { openInstalled, uninstall, uninstalled } from './installed.ts';
import { acceptedPatches, ASKS, containerCgroup, podOf, wasKilled } from './leak-run.ts';
import { leakOf, LIMIT, runLeaks, SHOWN_FILE } from './leaks.ts';
import type { ShownRun } from './timeline-picture.ts';
import { timelinePicture } from './timeline-picture.ts';

let installed: Installed | undefined;
let cluster: SeenCluster;

beforeAll(async () => {
  // As the file before left it: another roll would show nothing new.
  installed = await openInstalled({ after: [helped(HELPED_LAST)], components: ['resize', 'ebpf'] });
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

/**
 * Of the node's file system, beside the images, the node's own configuration and containerd's records. Links to logs are the kubelet's, which
 * removes those of gone containers each minute: what they lead to is looked for, and anything there that is no link.
 */
async function files(): Promise<string> {
  const left = ['/proc', '/sys', '/dev', '/etc/node', '/var/lib/containerd', '/run/containerd'].map((path) => `-path ${path}`).join(' -o '); // prettier-ignore
  return inGuest(
    `find / \\( ${left} \\) -prune -o -name '*headroom*' ! \\( -type l -path '/var/log/containers/*' \\) -print`,
  );
}

let grown = 0;

it('uninstalling ends every pod of it', async () => {
  const [limit, there] = await Promise.all([expectHelped(cluster, HELPED_LAST), objects()]);
  grown = limit;
  expect(there).not.toEqual([]);
  await uninstall(cluster, installed!.folder);
  const pods = async (): Promise<number> => (await cluster.kube.json<{ items: unknown[] }>('GET', `/api/v1/namespaces/${SYSTEM}/pods`)).items.length; // prettier-ignore
  await until('no pod of it', async () => (await pods()) === 0 || undefined, 90_000, 200);
});

it('uninstalling leaves no limit but those that the pods’ specs have', async () => {
  const after = await podOf(cluster, HELPED_LAST);
  const folder = containerCgroup(after);
  const limit = bytes(after.spec.containers[0]!.resources!.limits!['memory']!);
  expect(limit).toBeGreaterThanOrEqual(grown);
  expect((await inGuest(`cd ${folder}; cat memory.max memory.high memory.low memory.min`)).trim().split('\n')).toEqual([String(limit), 'max', '0', '0']); // prettier-ignore
  expect(acceptedPatches(cluster, HELPED_LAST).length).toBeGreaterThanOrEqual(1);
  expect(after.status.containerStatuses?.[0]).toMatchObject({ restartCount: 0 });
});

// The namespace controller looks again after half a pod's grace period: meanwhile the leak runs.
describe.concurrent('without Headroom', () => {
  it('no object of it is left', async () => {
    await uninstalled(cluster);
    expect(await objects()).toEqual([]);
  });

  it('no file of it is left', async () => {
    // The kubelet tidies up after a pod when all else of it is gone.
    await eventually(async () => expect(await files()).toBe(''), 100_000, 1000);
  });

  it('the leak of case (b) is killed at its limit', async () => {
    const [run] = await runLeaks(cluster, [leakOf('leak-alone', 10, 16, ASKS)]);
    const title = '10 MiB/s without Headroom';
    const others = existsSync(SHOWN_FILE()) ? (JSON.parse(readFileSync(SHOWN_FILE(), 'utf8')) as ShownRun[]) : [];
    const picture = timelinePicture([{ title, run: run! }, ...others]);
    expect(picture).toContain('</svg>');
    const where = process.env['HEADROOM_CLUSTER_PICTURES'];
    if (where) writeFileSync(join(where, 'leak-timeline.svg'), picture);
    expect(wasKilled(run!)).toBe(true);
    expect(Math.max(...run!.memoryCurrent.map(({ value }) => value))).toBeLessThanOrEqual(bytes(LIMIT));
  });
});
