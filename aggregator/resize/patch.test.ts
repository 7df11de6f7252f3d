import { describe, expect, it } from 'vitest';
import { containerOf, MIB, patched, POD, wirePod } from '../../test/fixtures/kube/pods.ts';
import { isSameGround, resizePatch } from './patch.ts';

const TARGET = { container: 'app', requests: {}, limits: { memoryBytes: 96 * MIB } };

describe('the patch of a resize', () => {
  it('tests the incarnation, what allows it, the name and the old value before it touches the one value', () => {
    expect(resizePatch(POD, 0, TARGET)).toEqual([
      { op: 'test', path: '/metadata/uid', value: 'u1' },
      { op: 'test', path: '/metadata/annotations/headroom.dev~1resize', value: 'true' },
      { op: 'test', path: '/metadata/annotations/headroom.dev~1max-memory', value: '1Gi' },
      { op: 'test', path: '/spec/containers/0/name', value: 'app' },
      { op: 'test', path: '/spec/containers/0/resources/limits/memory', value: '64Mi' },
      { op: 'replace', path: '/spec/containers/0/resources/limits/memory', value: '96Mi' },
    ]);
  });

  it('reaches a sidecar among the init containers', () => {
    const containers = [
      POD.containers[0]!,
      containerOf({ name: 'setup', kind: 'init' }),
      containerOf({ name: 'proxy', kind: 'sidecar' }),
    ];
    const pod = { ...POD, containers };
    const ops = resizePatch(pod, 2, { ...TARGET, container: 'proxy' });
    expect(ops).toContainEqual({ op: 'test', path: '/spec/initContainers/1/name', value: 'proxy' });
    const after = patched(wirePod(pod), ops).containers.map(({ limits }) => limits.memoryBytes);
    expect(after).toEqual([64 * MIB, 64 * MIB, 96 * MIB]);
  });

  it('makes the list of requests where there was none', () => {
    const limits = { memoryBytes: 64 * MIB };
    const pod = {
      ...POD,
      containers: [{ ...containerOf({ requests: {}, limits }), rawResources: { limits: { memory: '64Mi' } } }],
    };
    const target = { ...TARGET, requests: { memoryBytes: 96 * MIB } };
    expect(patched(wirePod(pod), resizePatch(pod, 0, target)).containers[0]?.requests).toEqual({
      memoryBytes: 96 * MIB,
    });
  });

  it('fails on another incarnation, another order and another value', () => {
    const ops = resizePatch(POD, 0, TARGET);
    expect(() => patched(wirePod({ ...POD, uid: 'u2' }), ops)).toThrow('test /metadata/uid');
    expect(() => patched(wirePod({ ...POD, containers: [containerOf({ name: 'other' })] }), ops)).toThrow('/name');
    const raised = containerOf({ limits: { memoryBytes: 65 * MIB } });
    expect(() => patched(wirePod({ ...POD, containers: [raised] }), ops)).toThrow('/limits/memory');
    expect(() => patched(wirePod({ ...POD, annotations: {} }), ops)).toThrow('headroom.dev~1resize');
  });

  it('is never made for a container that is not there', () => {
    expect(() => resizePatch(POD, 1, TARGET)).toThrow('container 1 is not app');
  });
});

describe('the ground of a patch', () => {
  it('is the same as long as what the patch tests is', () => {
    expect(isSameGround(POD, { ...POD, generation: 9, labels: { a: 'b' } }, TARGET)).toBe(true);
    const otherCpu = containerOf({ limits: { cpuMillis: 1, memoryBytes: 64 * MIB } });
    expect(isSameGround(POD, { ...POD, containers: [otherCpu] }, TARGET)).toBe(true);
  });

  it('has moved with the uid, the place or the value', () => {
    expect(isSameGround(POD, { ...POD, uid: 'u2' }, TARGET)).toBe(false);
    expect(isSameGround(POD, { ...POD, annotations: {} }, TARGET)).toBe(false);
    expect(isSameGround(POD, { ...POD, containers: [containerOf({ name: 'x' }), ...POD.containers] }, TARGET)).toBe(
      false,
    );
    expect(isSameGround(POD, { ...POD, containers: [containerOf({ limits: { memoryBytes: MIB } })] }, TARGET)).toBe(
      false,
    );
  });
});
