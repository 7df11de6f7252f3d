import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endsDescent, identifyCgroup, serviceIdentity } from './layout.ts';

const UID = '0d1c6a4e-3f0b-4c55-9f57-7b1f2a9c5e10';
const UID_ = UID.replaceAll('-', '_');
const HASH = '99dcb84d2a34f7e338778606703258c4';
const ID = '4b1f6f2a'.repeat(8);
const OTHER = 'ffffffff'.repeat(8);

const burstable = `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice`;
const besteffort = `kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice`;
const guaranteed = `kubepods.slice/kubepods-pod${UID_}.slice`;
const kind = `kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${UID_}.slice`;

describe('a pod', () => {
  it.each([
    ['systemd, guaranteed', guaranteed, UID, 'guaranteed'],
    ['systemd, burstable', burstable, UID, 'burstable'],
    ['systemd, besteffort', besteffort, UID, 'besteffort'],
    ['cgroupfs, guaranteed', `kubepods/pod${UID}`, UID, 'guaranteed'],
    ['cgroupfs, burstable', `kubepods/burstable/pod${UID}`, UID, 'burstable'],
    ['cgroupfs, besteffort', `kubepods/besteffort/pod${UID}`, UID, 'besteffort'],
    ['static, by its config hash', `kubepods.slice/kubepods-pod${HASH}.slice`, HASH, 'guaranteed'],
    ['kind, systemd', kind, UID, 'burstable'],
    ['kind, cgroupfs', `kubelet/kubepods/burstable/pod${UID}`, UID, 'burstable'],
    ['kind, from the host', `system.slice/docker-${OTHER}.scope/${kind}`, UID, 'burstable'],
    ['k3d, from the host', `docker/${OTHER}/kubepods/besteffort/pod${UID}`, UID, 'besteffort'],
  ])('%s', (_name, path, podUid, qos) => {
    expect(identifyCgroup(path)).toEqual({ kind: 'pod', podUid, containerId: '', qos });
  });
});

describe('a container', () => {
  it.each([
    ['containerd, systemd', `${burstable}/cri-containerd-${ID}.scope`, 'burstable'],
    ['CRI-O, systemd', `${guaranteed}/crio-${ID}.scope`, 'guaranteed'],
    ['cri-dockerd, systemd', `${besteffort}/docker-${ID}.scope`, 'besteffort'],
    ['containerd, cgroupfs', `kubepods/burstable/pod${UID}/${ID}`, 'burstable'],
    ['CRI-O, cgroupfs', `kubepods/pod${UID}/crio-${ID}`, 'guaranteed'],
    ['kind, systemd', `${kind}/cri-containerd-${ID}.scope`, 'burstable'],
    ['kind, from the host', `system.slice/docker-${OTHER}.scope/${kind}/cri-containerd-${ID}.scope`, 'burstable'],
    [
      'runc with cgroupfs given a systemd parent',
      `system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${ID}`,
      'burstable',
    ],
  ])('%s', (_name, path, qos) => {
    expect(identifyCgroup(path)).toEqual({ kind: 'container', podUid: UID, containerId: ID, qos });
    expect(endsDescent(path)).toBe(true);
  });

  it.each([
    ['systemd inside', `${burstable}/cri-containerd-${ID}.scope/init.scope`],
    ['docker inside', `${burstable}/cri-containerd-${ID}.scope/docker/${OTHER}`],
    ["crun's own", `${guaranteed}/crio-${ID}.scope/container`],
    ['a node inside', `${burstable}/cri-containerd-${ID}.scope/${kind}/cri-containerd-${OTHER}.scope`],
  ])('counts what is nested in it as its own: %s', (_name, path) => {
    expect(identifyCgroup(path)).toBeUndefined();
  });

  it('of a static pod belongs to the config hash', () => {
    const path = `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${HASH}.slice/cri-containerd-${ID}.scope`;
    expect(identifyCgroup(path)).toMatchObject({ kind: 'container', podUid: HASH });
  });
});

describe('a slice', () => {
  it.each([
    ['kubepods.slice', ''],
    ['kubepods.slice/kubepods-burstable.slice', 'burstable'],
    ['kubepods/besteffort', 'besteffort'],
    ['kubelet.slice/kubelet-kubepods.slice', ''],
    ['system.slice', ''],
    ['user.slice', ''],
  ])('%s', (path, qos) => {
    expect(identifyCgroup(path)).toEqual({ kind: 'slice', podUid: '', containerId: '', qos });
    expect(endsDescent(path)).toBe(false);
  });
});

describe('no row of its own', () => {
  it.each([
    `${guaranteed}/crio-conmon-${ID}.scope`,
    `${burstable}/run-containerd-${ID}.mount`,
    'sys-kernel-debug.mount',
    'init.scope',
    'system.slice/kubelet.service',
    `system.slice/docker-${ID}.scope`,
    'user.slice/user-1000.slice',
    `pod${UID}`,
    `burstable/pod${UID}`,
    `kubepods/burstable/pod${UID}x`,
    `${burstable}/cri-containerd-${ID.slice(1)}.scope`,
    '',
  ])('%s', (path) => expect(identifyCgroup(path)).toBeUndefined());
});

describe('with services', () => {
  const services = { services: true };
  it('a systemd service is a pod of one container', () => {
    const path = 'system.slice/nginx.service';
    const identity = identifyCgroup(path, services);
    expect(identity).toEqual({ kind: 'container', ...serviceIdentity(path), qos: '' });
    expect(identity?.podUid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(identity?.containerId).toMatch(/^[0-9a-f]{64}$/);
    expect(identifyCgroup(path)).toBeUndefined();
  });

  it('the outermost service counts for the services inside', () => {
    const user = 'user.slice/user-1000.slice/user@1000.service';
    expect(identifyCgroup(user, services)?.kind).toBe('container');
    expect(identifyCgroup(`${user}/app.slice/editor.service`, services)).toBeUndefined();
  });

  it('a container outside any pod keeps its id', () => {
    for (const path of [`system.slice/docker-${ID}.scope`, `docker/${ID}`, `machine.slice/libpod-${ID}.scope`]) {
      expect(identifyCgroup(path, services)).toMatchObject({ kind: 'container', containerId: ID });
    }
  });

  it('pods stay pods', () => {
    expect(identifyCgroup(burstable, services)).toEqual(identifyCgroup(burstable));
  });
});

describe('any path', () => {
  const segment = fc.oneof(
    fc.constantFrom('kubepods', 'burstable', 'kubepods.slice', `pod${UID}`, ID, `crio-${ID}.scope`, 'a.service', ''),
    fc.string(),
  );
  it('gives an identity whose parts fit its kind, or none', () => {
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), fc.boolean(), (segments, services) => {
        const identity = identifyCgroup(segments.join('/'), { services });
        if (!identity) return true;
        const hasPod = /^[0-9a-f-]{32,36}$/.test(identity.podUid);
        const hasContainer = /^[0-9a-f]{64}$/.test(identity.containerId);
        return hasPod === (identity.kind !== 'slice') && hasContainer === (identity.kind === 'container');
      }),
    );
  });
});
