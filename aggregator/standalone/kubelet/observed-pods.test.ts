import { describe, expect, it } from 'vitest';
import type { FoundCgroup } from '../../../agent/cgroup/discovery.ts';
import { identifyCgroup } from '../../../agent/cgroup/layout.ts';
import { ObjectStore } from '../api/object-store.ts';
import type { Pod } from '../api/objects.ts';
import { observePods } from './observed-pods.ts';

const ID = 'ab'.repeat(32);
const UID = '0a0b0c0d-0000-4000-8000-000000000001';

function cgroup(path: string): FoundCgroup {
  return { ...identifyCgroup(path, { services: true })!, path, inode: 1, startWallMs: 0 };
}

function observed(): { store: ObjectStore; pods: ReturnType<typeof observePods>; names: () => readonly string[] } {
  const store = new ObjectStore({ wallTimeMs: () => 0 });
  const names = (): readonly string[] =>
    store.list('pods').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return { store, pods: observePods(store, 'n1'), names };
}

describe('observePods', () => {
  it('shows services as pods until there is a container, and again when the last one is gone', () => {
    const { pods, names } = observed();
    pods.found(cgroup('system.slice/ssh.service'));
    expect(names()).toEqual(['system/ssh']);
    pods.found(cgroup(`kubepods/pod${UID}/${ID}`));
    expect(names()).toEqual(['observed/pod-0a0b0c0d']);
    pods.gone(`kubepods/pod${UID}/${ID}`);
    expect(names()).toEqual(['system/ssh']);
  });

  it('keeps the ids that the agent reports, names it observed only and gives it no resources in its status', () => {
    const { store, pods } = observed();
    pods.found(cgroup(`kubepods/pod${UID}/${ID}`));
    pods.found(cgroup(`kubepods/pod${UID}/${'cd'.repeat(32)}`));
    const pod = store.list('pods')[0] as Pod;
    expect(pod.metadata).toMatchObject({ uid: UID, annotations: { 'headroom.dev/observed-only': 'true' } });
    expect(pod.status.containerStatuses?.map(({ containerID }) => containerID)).toEqual([
      `headroom://${ID}`,
      `headroom://${'cd'.repeat(32)}`,
    ]);
    expect(pod.status.containerStatuses?.some(({ resources }) => resources)).toBe(false);
    pods.gone(`kubepods/pod${UID}/${ID}`);
    expect((store.list('pods')[0] as Pod).spec.containers).toHaveLength(1);
  });

  it('does not show the cgroups of a standalone', () => {
    const { pods, names } = observed();
    pods.found(cgroup(`headroom-3/kubepods/burstable/pod${UID}/${ID}`));
    expect(names()).toEqual([]);
  });

  it('keeps two services of one name apart', () => {
    const { pods, names } = observed();
    pods.found(cgroup('system.slice/app.service'));
    pods.found(cgroup('other.slice/app.service'));
    expect(names()).toHaveLength(2);
    pods.gone('system.slice/app.service');
    pods.gone('other.slice/app.service');
    expect(names()).toEqual([]);
  });
});
