// Objects that tests apply.

export interface ContainerShape {
  readonly name: string;
  readonly image?: string;
  readonly args?: readonly string[];
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
  readonly restartPolicy?: 'Always';
}

/** No program of this tier: a container of numbers on a node of files. */
const NUMBERS = 'registry.k8s.io/pause:3.10';

export function container({ name, image = NUMBERS, args, requests, limits, restartPolicy }: ContainerShape): object {
  return {
    name,
    image,
    ...(args ? { args } : {}),
    ...(restartPolicy ? { restartPolicy } : {}),
    resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) },
  };
}

/** A process that uses CPU and memory, on a node of the kernel. */
export function consumer(name: string, cpuMillis: number, memoryMib: number): ContainerShape {
  return {
    name,
    image: 'headroom-e2e/consume:1',
    args: [`--cpu-millis=${cpuMillis}`, `--memory-mib=${memoryMib}`],
  };
}

export interface PodShape {
  readonly name: string;
  readonly namespace?: string;
  readonly containers: readonly ContainerShape[];
  readonly initContainers?: readonly ContainerShape[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
}

export function pod({ name, namespace = 'default', annotations, ...shape }: PodShape): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name }, ...(annotations ? { annotations } : {}) },
    spec: podSpec(shape),
  };
}

function podSpec({ containers, initContainers = [], nodeName, nodeSelector }: Omit<PodShape, 'name'>): object {
  return {
    containers: containers.map(container),
    terminationGracePeriodSeconds: 1,
    // None of them speaks to the API server: a volume less for the kubelet to mount.
    automountServiceAccountToken: false,
    ...(initContainers.length > 0 ? { initContainers: initContainers.map(container) } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(nodeSelector ? { nodeSelector } : {}),
  };
}

export function deployment(shape: PodShape, replicas: number): object {
  const { name, namespace = 'default', annotations, ...spec } = shape;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, ...(annotations ? { annotations } : {}) },
        spec: podSpec(spec),
      },
    },
  };
}

/** @param metrics autoscaling/v2 MetricSpecs */
export function autoscaler(name: string, maxReplicas: number, metrics: readonly object[]): object {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: 'default' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: 1,
      maxReplicas,
      metrics,
    },
  };
}
