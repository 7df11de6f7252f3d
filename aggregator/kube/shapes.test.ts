import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { projectKubeletNode } from '../intake/kubelet/kubelet-node.ts';
import { readShaped, SharedValues } from './json-shape.ts';
import type { Shape } from './json-shape.ts';
import { NODE_SHAPE, projectNode } from './project-node.ts';
import { POD_SHAPE, projectPod } from './project-pod.ts';
import type { WireNode, WirePod } from './wire.ts';

/** Any members beside those of the object, as a server of another version may send. */
function amid(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> {
  return fc
    .tuple(
      fc.record(members, { requiredKeys: [] }),
      fc.dictionary(fc.constantFrom('x', 'y:"'), fc.jsonValue(), { maxKeys: 2 }),
    )
    .map(([known, others]) => ({ ...others, ...known }));
}

function few<T>(each: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(each, { maxLength: 3 });
}

const text = fc.constantFrom('a', 'b', 'Always', 'True', 'Ready', 'PodResizePending', 'cpu', 'RestartContainer', 'é"');
const amount = fc.constantFrom('1', '250m', '1Gi');
const quantities = fc.dictionary(fc.constantFrom('cpu', 'memory', 'example.org/gpu'), amount, { maxKeys: 3 });
const resources = amid({ requests: quantities, limits: quantities, claims: few(amid({ name: text })) });
const containers = few(
  amid({
    name: text,
    restartPolicy: text,
    resources,
    resizePolicy: few(amid({ resourceName: text, restartPolicy: text })),
  }),
);
const statuses = few(
  amid({
    name: text,
    containerID: fc.constantFrom('', 'containerd://0123456789abcdef0123456789abcdef'),
    state: amid({ running: amid({ startedAt: text }), waiting: amid({ reason: text }) }),
    resources,
  }),
);
const annotations = fc.dictionary(
  fc.constantFrom('headroom.dev/resize', 'kubernetes.io/config.hash', 'kubernetes.io/config.mirror', 'other'),
  text,
);
const pods = amid({
  metadata: amid({
    uid: text,
    name: text,
    namespace: text,
    labels: fc.dictionary(text, text),
    annotations,
    generation: fc.nat(),
    deletionTimestamp: text,
    ownerReferences: few(amid({ kind: fc.constantFrom('Node', 'Job') })),
  }),
  spec: amid({
    nodeName: text,
    os: amid({ name: fc.constantFrom('windows', 'linux') }),
    nodeSelector: fc.dictionary(fc.constantFrom('kubernetes.io/os'), fc.constantFrom('windows')),
    resources,
    containers,
    initContainers: containers,
  }),
  status: amid({
    phase: text,
    qosClass: text,
    observedGeneration: fc.nat(),
    conditions: few(amid({ type: text, status: text, reason: text, message: text })),
    containerStatuses: statuses,
    initContainerStatuses: statuses,
  }),
});
const nodes = amid({
  metadata: amid({
    name: text,
    labels: fc.dictionary(text, text),
    annotations: fc.dictionary(fc.constantFrom('metrics.k8s.io/resource-metrics-path', 'other'), fc.constant('/m')),
  }),
  status: amid({
    allocatable: quantities,
    addresses: few(amid({ type: text, address: text })),
    daemonEndpoints: amid({ kubeletEndpoint: amid({ Port: fc.nat() }) }),
  }),
});

function shaped(object: object, shape: Shape): unknown {
  return readShaped(Buffer.from(JSON.stringify(object)), shape, new SharedValues());
}

describe('the part of an object that is read', () => {
  it('is all that the projection of a pod looks at', () => {
    fc.assert(
      fc.property(pods, (pod) => {
        const whole = JSON.parse(JSON.stringify(pod)) as WirePod;
        expect(projectPod(shaped(pod, POD_SHAPE) as WirePod)).toEqual(projectPod(whole));
      }),
    );
  });

  it('is all that the projections of a node look at', () => {
    fc.assert(
      fc.property(nodes, (node) => {
        const part = shaped(node, NODE_SHAPE) as WireNode;
        expect(projectNode(part)).toEqual(projectNode(node));
        expect(projectKubeletNode(part)).toEqual(projectKubeletNode(node));
      }),
    );
  });

  it('is no more of a pod than its records can be made of', () => {
    const pod = { metadata: { name: 'n', managedFields: [{ manager: 'kubelet' }] }, spec: { volumes: [{}] } };
    expect(shaped(pod, POD_SHAPE)).toEqual({ metadata: { name: 'n' }, spec: {} });
  });
});
