// What the aggregator keeps of API objects: projections, never whole objects (a list of 30,000 pods is 3.7 MB this way, 52 MB whole).
// Source: core/v1 Pod and Node.

/** Kubernetes quantities as numbers: cpu in millicores, memory in bytes. A resource that is not set is absent. */
export interface ResourceAmounts {
  readonly cpuMillis?: number;
  readonly memoryBytes?: number;
}

export interface ContainerRecord {
  readonly name: string;
  /** 64 hex without the runtime's prefix, '' before the container was created. */
  readonly containerId: string;
  readonly running: boolean;
  /** Why it waits (CrashLoopBackOff, ImagePullBackOff …); absent while it does not. */
  readonly waiting?: string;
  /** An ordinary container, or an init container (restartable ones are sidecars). */
  readonly kind: 'container' | 'init' | 'sidecar';
  readonly requests: ResourceAmounts;
  readonly limits: ResourceAmounts;
  /** Verbatim quantity strings of the spec, for the `test` operations of a patch. */
  readonly rawResources: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
  /** `status.containerStatuses[].resources` is set: the node can resize this container. */
  readonly resizable: boolean;
  readonly restartOnResize: { readonly cpu: boolean; readonly memory: boolean };
  readonly hasClaims: boolean;
}

export interface PodRecord {
  readonly uid: string;
  /** `metadata.annotations["kubernetes.io/config.hash"]` of a static pod's mirror: the uid in its cgroup path. */
  readonly configHash?: string;
  readonly namespace: string;
  readonly name: string;
  readonly nodeName: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Only `headroom.dev/…` ones. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly phase: string;
  /** Condition Ready; autoscalers leave out pods that are not. */
  readonly ready?: boolean;
  readonly qosClass: string;
  readonly terminating: boolean;
  readonly isMirror: boolean;
  readonly isWindows: boolean;
  /** `spec.resources` is set: QoS and limits are then the pod's own, which the thin resize does not reckon with. */
  readonly hasPodLevelResources?: boolean;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly resizeConditions: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
  /** In the order of the spec: containers, then init containers. */
  readonly containers: readonly ContainerRecord[];
}

export interface NodeRecord {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly allocatable: ResourceAmounts;
}
