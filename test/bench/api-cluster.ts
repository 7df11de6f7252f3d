// A cluster for the API bench: 1,000 nodes × 30 pods × 2 containers in 20 namespaces of 1,500 pods, as records and as pushes.
import type { Batch } from '../../agent/protocol/batch.ts';
import type { Identity } from '../../agent/protocol/identity.ts';
import type { NodeRecord, PodRecord } from '../../aggregator/kube/records.ts';

export const NODES = 1000;
export const PODS_PER_NODE = 30;
export const CONTAINERS = ['app', 'sidecar'] as const;
const NAMESPACES = 20;
const MIB = 2 ** 20;

export function namespaceOf(pod: number): string {
  return `team-${String(pod % NAMESPACES).padStart(2, '0')}`;
}

export function podName(pod: number): string {
  return `workload-${pod % 100}-7d9f8b6c5d-${pod.toString(36).padStart(5, '0')}`;
}

export function nodeName(node: number): string {
  return `node-${String(node).padStart(4, '0')}`;
}

export function nodeRecord(node: number): NodeRecord {
  return {
    name: nodeName(node),
    labels: { 'kubernetes.io/hostname': nodeName(node), 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
    allocatable: {},
  };
}

function uidOf(pod: number): string {
  return `00000000-0000-4000-8000-${pod.toString(16).padStart(12, '0')}`;
}

function containerIdOf(pod: number, container: number): string {
  return `${pod.toString(16)}f${container}`.padStart(64, '0');
}

export function podRecord(pod: number): PodRecord {
  return {
    uid: uidOf(pod),
    namespace: namespaceOf(pod),
    name: podName(pod),
    nodeName: nodeName(Math.floor(pod / PODS_PER_NODE)),
    labels: { app: `workload-${pod % 100}`, 'pod-template-hash': '7d9f8b6c5d' },
    annotations: {},
    phase: 'Running',
    qosClass: 'Burstable',
    terminating: false,
    isMirror: false,
    isWindows: false,
    generation: 1,
    observedGeneration: 1,
    resizeConditions: [],
    containers: CONTAINERS.map((name, container) => ({
      name,
      containerId: containerIdOf(pod, container),
      running: true,
      kind: 'container',
      requests: {},
      limits: {},
      rawResources: {},
      resizable: true,
      restartOnResize: { cpu: false, memory: false },
      hasClaims: false,
    })),
  };
}

const ROWS = 1 + PODS_PER_NODE * CONTAINERS.length;
const COLUMN_NAMES = ['atBootMs', 'windowUs', 'cpuWindowUs', 'workingSetBytes'] as const;

/** What a node pushes; its columns are written anew each time, so that making a push leaves no garbage behind. */
export interface PushSource {
  /** Every number is another one each time. */
  push(sequence: number, wallTimeMs: number): Batch;
}

export function pushSource(node: number): PushSource {
  const ref = Uint32Array.from({ length: ROWS }, (_, row) => row);
  const values = Object.fromEntries(COLUMN_NAMES.map((name) => [name, new Float64Array(ROWS)])) as Record<
    (typeof COLUMN_NAMES)[number],
    Float64Array
  >;
  const identities = Array.from(ref, (row) => identityOf(node, row));
  const histogram = { scheme: '', row: new Uint32Array(), bucket: new Uint16Array(), seconds: new Uint32Array() };
  return {
    push(sequence, wallTimeMs) {
      const bootTimeMs = 1_000_000 + sequence * 5000;
      for (let row = 0; row < ROWS; row++) {
        const load = 1 + ((node * 7919 + row * 104_729 + sequence * 1299) % 900);
        values.atBootMs[row] = bootTimeMs - 300;
        values.windowUs[row] = 15_000_000 + ((node * 31 + row * 17 + sequence) % 40) * 1000;
        values.cpuWindowUs[row] = load * 15_007;
        values.workingSetBytes[row] = load * MIB + (load % 256) * 4096;
      }
      return {
        node: nodeName(node),
        agentVersion: 'bench',
        bootId: '6f9a3c1e-2b52-4d0e-9a4e-0d7f2f1f7b11',
        epoch: 1,
        sequence,
        bootTimeMs,
        wallTimeMs,
        identities: sequence === 1 ? identities : [],
        gone: [],
        reports: { count: ROWS, ref, values },
        histogram,
        shortages: [],
      };
    },
  };
}

function identityOf(node: number, row: number): Identity {
  if (row === 0) return { ref: 0, kind: 'node', podUid: '', containerId: '', cgroup: '', startBootMs: 0 };
  const index = row - 1;
  const pod = node * PODS_PER_NODE + Math.floor(index / CONTAINERS.length);
  const container = index % CONTAINERS.length;
  const containerId = containerIdOf(pod, container);
  return {
    ref: row,
    kind: 'container',
    podUid: uidOf(pod),
    containerId,
    cgroup: `kubepods.slice/${containerId}`,
    startBootMs: 5000,
  };
}
