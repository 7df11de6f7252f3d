// The pods of --demo: what each asks for, its limits, and whether it may be resized (annotations headroom.dev/…).
import type { ResourceRequirements } from '../api/objects.ts';
import type { OwnPod } from '../kubelet/kubelet.ts';
import { siblingScript } from '../kubelet/gated-spawn.ts';

export const DEMO_NAMESPACE = 'demo';

interface Demo {
  readonly name: string;
  readonly resources: ResourceRequirements;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A Node process takes 30 to 45 MiB before it does anything. */
const DEMOS: readonly Demo[] = [
  {
    name: 'steady',
    resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
    annotations: {},
  },
  {
    name: 'bursty',
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
    annotations: { 'headroom.dev/resize': 'true', 'headroom.dev/max-cpu': '1' },
  },
  {
    name: 'leak',
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '500m', memory: '128Mi' } },
    annotations: { 'headroom.dev/resize': 'true', 'headroom.dev/max-memory': '512Mi' },
  },
  {
    name: 'file-reader',
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '500m', memory: '96Mi' } },
    annotations: { 'headroom.dev/resize': 'true', 'headroom.dev/max-memory': '512Mi' },
  },
];

/** @param onLine what a workload says, which is nothing unless it fails */
export function demoPods(leakMibPerSecond: number, onLine: (pod: string, line: string) => void): readonly OwnPod[] {
  return DEMOS.map(({ name, resources, annotations }) => ({
    namespace: DEMO_NAMESPACE,
    name,
    labels: { app: name, 'app.kubernetes.io/part-of': 'headroom-demo' },
    annotations,
    containers: [{ name: 'main', image: `headroom.dev/demo-${name}`, resources }],
    programs: new Map([
      [
        'main',
        {
          script: siblingScript(import.meta.url, 'workload'),
          args: () => [name, String(leakMibPerSecond)],
          onLine: (line: string) => onLine(`${DEMO_NAMESPACE}/${name}`, line),
        },
      ],
    ]),
  }));
}
