import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Container, Pod, ResourceRequirements } from './objects.ts';
import { amountOf, COMPUTE_RESOURCES, qosClassOf } from './pod-resources.ts';
import { keepResizeFields, resizeErrors } from './resize-validation.ts';

function podWith(resources: ResourceRequirements, extra: Partial<Container> = {}): Pod {
  const spec = { nodeName: 'n', containers: [{ name: 'main', image: 'x', resources, ...extra }] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
    spec,
    status: { phase: 'Running', qosClass: qosClassOf(spec) },
  };
}

const amount = fc.option(
  fc.integer({ min: 1, max: 8 }).map((value) => `${value}`),
  { nil: undefined },
);
const quantities = fc
  .record({ cpu: amount, memory: amount })
  .map((found) => JSON.parse(JSON.stringify(found)) as Record<string, string>);
const requirements = fc.record({ requests: quantities, limits: quantities });

describe('resizeErrors', () => {
  it('lets nothing through that changes the QoS class, removes an amount or asks above a limit', () => {
    fc.assert(
      fc.property(requirements, requirements, (before, after) => {
        const old = podWith(before);
        const next = podWith(after);
        if (resizeErrors(old, { ...next, status: old.status }).length > 0) return;
        expect(qosClassOf(next.spec)).toBe(qosClassOf(old.spec));
        for (const resource of COMPUTE_RESOURCES) {
          for (const kind of ['requests', 'limits'] as const) {
            const removed = before[kind][resource] !== undefined && after[kind][resource] === undefined;
            expect(removed).toBe(false);
          }
          expect(amountOf(after.requests, resource) ?? 0).toBeLessThanOrEqual(
            amountOf(after.limits, resource) ?? Infinity,
          );
        }
      }),
    );
  });

  it('accepts a pod as it is', () => {
    const pod = podWith({ requests: { cpu: '1' }, limits: { cpu: '2' } });
    expect(resizeErrors(pod, pod)).toEqual([]);
  });

  it('refuses static and windows pods and changes of the resize policy', () => {
    const pod = podWith({ requests: { cpu: '1' } });
    const mirror = { ...pod, metadata: { ...pod.metadata, annotations: { 'kubernetes.io/config.mirror': '' } } };
    expect(resizeErrors(mirror, mirror)[0]?.detail).toBe('static pods cannot be resized');
    const windows = { ...pod, spec: { ...pod.spec, os: { name: 'windows' } } };
    expect(resizeErrors(windows, windows)[0]?.detail).toBe('windows pods cannot be resized');
    const policy = podWith(
      { requests: { cpu: '1' } },
      { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] },
    );
    expect(resizeErrors(pod, policy)[0]?.detail).toBe('only cpu and memory resources are mutable');
  });
});

describe('keepResizeFields', () => {
  it('drops whatever else the request changed, labels and images too', () => {
    const old = podWith({ requests: { cpu: '1' } });
    const given = podWith({ requests: { cpu: '2' } }, { image: 'other' });
    const kept = keepResizeFields(old, { ...given, metadata: { ...given.metadata, labels: { a: 'b' } } });
    expect(kept.spec.containers[0]).toMatchObject({ image: 'x', resources: { requests: { cpu: '2' } } });
    expect(kept.metadata).toBe(old.metadata);
  });
});
