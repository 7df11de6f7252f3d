// Pods and nodes as a kube-apiserver sends them: specs with probes, environment and projected tokens, status with resources and
// conditions, managed fields. 8 KB of JSON a running pod, of which the aggregator has use for a twentieth.
import {
  CONTAINERS,
  containerId,
  namespaceOf,
  nodeName,
  nodeOf,
  podName,
  podUid,
  workloadOf,
} from './cluster-shape.ts';
import type { PodLife } from './cluster-shape.ts';
import { nodeAddress } from './cluster-shape.ts';

export type PodStage = 'unscheduled' | 'scheduled' | 'running' | 'terminating';

/** Text with places to be filled in: making 30,000 objects is then joining strings. */
type Template = readonly string[];

const BEGAN = '2026-11-20T08:15:42Z';
const MARK = /⟦(\w+)⟧/;
const IMAGE =
  'registry.example.com/platform/⟦workload⟧-⟦container⟧@sha256:5f6c0b8a5d4a9d1f0a3c1e7b2d8f4a6c9e0b1d3f5a7c9e1b3d5f7a9c1e3b5d7f';

/** `version`: resourceVersion, and the generation of what changes in status. */
export function podJson(life: PodLife, pods: number, stage: PodStage, version: number): string {
  const values: Record<string, string> = {
    name: podName(life, pods),
    namespace: namespaceOf(life.pod, pods),
    workload: workloadOf(life.pod, pods),
    uid: podUid(life),
    node: nodeName(nodeOf(life.pod)),
    version: String(version),
    ip: `10.${(life.pod >> 16) & 255}.${(life.pod >> 8) & 255}.${life.pod & 255}`,
    id0: containerId(life, 0),
    id1: containerId(life, 1),
  };
  return filled(POD_TEMPLATES[stage], values);
}

export function nodeJson(node: number, version: number): string {
  const hour = String(Math.floor(version / 3600) % 24).padStart(2, '0');
  const minute = String(Math.floor(version / 60) % 60).padStart(2, '0');
  return filled(NODE_TEMPLATE, {
    name: nodeName(node),
    address: nodeAddress(node),
    version: String(version),
    heartbeat: `2026-11-23T${hour}:${minute}:00Z`,
  });
}

function filled(template: Template, values: Readonly<Record<string, string>>): string {
  let text = '';
  for (let at = 0; at < template.length; at++) text += at % 2 === 0 ? template[at]! : values[template[at]!]!;
  return text;
}

function templateOf(object: unknown): Template {
  return JSON.stringify(object).split(MARK);
}

const ENVIRONMENT = [
  { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
  { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } } },
  { name: 'DATABASE_URL', valueFrom: { secretKeyRef: { name: 'database', key: 'url' } } },
  { name: 'LOG_LEVEL', value: 'info' },
  { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector.observability.svc:4317' },
];

/** The second container is a small one. */
function container(name: string): object {
  return {
    name,
    image: IMAGE.replace('⟦container⟧', name),
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    ...(name === 'app' ? { env: ENVIRONMENT, livenessProbe: probe('/livez'), readinessProbe: probe('/readyz') } : {}),
    resources: { limits: { cpu: '500m', memory: '512Mi' }, requests: { cpu: '100m', memory: '256Mi' } },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/service', readOnly: true },
      { name: 'kube-api-access-x7k2p', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ],
    resizePolicy: [
      { resourceName: 'cpu', restartPolicy: 'NotRequired' },
      { resourceName: 'memory', restartPolicy: 'NotRequired' },
    ],
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    securityContext: {
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
    },
  };
}

function probe(path: string): object {
  return {
    httpGet: { path, port: 'http', scheme: 'HTTP' },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  };
}

function containerStatus(name: string, index: number, stage: PodStage): object {
  const running = stage === 'running' || stage === 'terminating';
  return {
    name,
    state: running ? { running: { startedAt: BEGAN } } : { waiting: { reason: 'ContainerCreating' } },
    lastState: {},
    ready: running,
    restartCount: 0,
    image: IMAGE.replace('⟦container⟧', name),
    imageID: running ? IMAGE.replace('⟦container⟧', name) : '',
    ...(running ? { containerID: `containerd://⟦id${index}⟧` } : {}),
    started: running,
    allocatedResources: { cpu: '100m', memory: '256Mi' },
    resources: { limits: { cpu: '500m', memory: '512Mi' }, requests: { cpu: '100m', memory: '256Mi' } },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/service', readOnly: true, recursiveReadOnly: 'Disabled' },
      {
        name: 'kube-api-access-x7k2p',
        mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
        readOnly: true,
        recursiveReadOnly: 'Disabled',
      },
    ],
    ...(name === 'app' ? { user: { linux: { uid: 65532, gid: 65532, supplementalGroups: [65532] } } } : {}),
  };
}

/** What the API server keeps of who set which field: the keys of the object once more. */
function fieldsOf(value: unknown, depth = 2): object {
  if (typeof value !== 'object' || value === null || depth === 0) return {};
  const entries = Array.isArray(value)
    ? value.map(
        (each: { name?: string; type?: string }) =>
          [
            `k:{"${each.name ? 'name' : 'type'}":"${each.name ?? each.type}"}`,
            { '.': {}, ...fieldsOf(each, depth - 1) },
          ] as const,
      )
    : Object.entries(value).map(([key, each]) => [`f:${key}`, fieldsOf(each, depth - 1)] as const);
  return Object.fromEntries(entries);
}

function podSpec(stage: PodStage): object {
  return {
    volumes: [
      { name: 'config', configMap: { name: '⟦workload⟧', defaultMode: 420 } },
      {
        name: 'kube-api-access-x7k2p',
        projected: {
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              downwardAPI: {
                items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
              },
            },
          ],
          defaultMode: 420,
        },
      },
    ],
    containers: CONTAINERS.map(container),
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: '⟦workload⟧',
    serviceAccount: '⟦workload⟧',
    ...(stage === 'unscheduled' ? {} : { nodeName: '⟦node⟧' }),
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    schedulerName: 'default-scheduler',
    tolerations: ['not-ready', 'unreachable'].map((key) => ({
      key: `node.kubernetes.io/${key}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 300,
    })),
    priority: 0,
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
  };
}

function podStatus(stage: PodStage): object {
  if (stage === 'unscheduled') return { phase: 'Pending', qosClass: 'Burstable' };
  const running = stage !== 'scheduled';
  const types = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];
  return {
    observedGeneration: 1,
    phase: running ? 'Running' : 'Pending',
    conditions: types.map((type) => ({
      type,
      observedGeneration: 1,
      status: running ? 'True' : 'False',
      lastProbeTime: null,
      lastTransitionTime: BEGAN,
    })),
    hostIP: '192.168.10.17',
    hostIPs: [{ ip: '192.168.10.17' }],
    ...(running ? { podIP: '⟦ip⟧', podIPs: [{ ip: '⟦ip⟧' }] } : {}),
    startTime: BEGAN,
    containerStatuses: CONTAINERS.map((name, index) => containerStatus(name, index, stage)),
    qosClass: 'Burstable',
  };
}

function pod(stage: PodStage): object {
  const labels = { app: '⟦workload⟧', 'pod-template-hash': '7d9f8b6c5d' };
  const annotations = {
    'checksum/config': '0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0',
    'prometheus.io/scrape': 'true',
  };
  const [spec, status] = [podSpec(stage), podStatus(stage)];
  const managed = (manager: string, fields: object, subresource?: string): object => ({
    manager,
    operation: 'Update',
    apiVersion: 'v1',
    time: BEGAN,
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
    ...(subresource === undefined ? {} : { subresource }),
  });
  return {
    metadata: {
      name: '⟦name⟧',
      generateName: '⟦workload⟧-7d9f8b6c5d-',
      namespace: '⟦namespace⟧',
      uid: '⟦uid⟧',
      resourceVersion: '⟦version⟧',
      generation: 1,
      creationTimestamp: BEGAN,
      ...(stage === 'terminating' ? { deletionTimestamp: BEGAN, deletionGracePeriodSeconds: 30 } : {}),
      labels,
      annotations,
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: '⟦workload⟧-7d9f8b6c5d',
          uid: '1c5f7a9e-3b5d-4f7a-9c1e-3b5d7f9a1c3e',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [
        managed('kube-controller-manager', {
          'f:metadata': fieldsOf({ labels, annotations }),
          'f:spec': fieldsOf(spec),
        }),
        managed(
          'kubelet',
          { 'f:status': fieldsOf({ conditions: (status as { conditions?: unknown }).conditions, phase: '' }) },
          'status',
        ),
      ],
    },
    spec,
    status,
  };
}

function node(): object {
  const types = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'];
  return {
    metadata: {
      name: '⟦name⟧',
      uid: '⟦name⟧',
      resourceVersion: '⟦version⟧',
      creationTimestamp: BEGAN,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': '⟦name⟧',
        'kubernetes.io/os': 'linux',
        'node.kubernetes.io/instance-type': 'm7.4xlarge',
        'topology.kubernetes.io/region': 'eu-central',
        'topology.kubernetes.io/zone': 'eu-central-1a',
      },
      annotations: {
        'node.alpha.kubernetes.io/ttl': '0',
        'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
      },
    },
    spec: { podCIDR: '10.1.2.0/24', podCIDRs: ['10.1.2.0/24'], providerID: 'cloud:///eu-central-1a/⟦name⟧' },
    status: {
      capacity: { cpu: '16', 'ephemeral-storage': '203070420Ki', memory: '65010684Ki', pods: '110' },
      allocatable: { cpu: '15890m', 'ephemeral-storage': '187149699Ki', memory: '62106620Ki', pods: '110' },
      conditions: types.map((type) => ({
        type,
        status: type === 'Ready' ? 'True' : 'False',
        lastHeartbeatTime: '⟦heartbeat⟧',
        lastTransitionTime: BEGAN,
        reason: `Kubelet${type}`,
        message: 'kubelet has what it needs',
      })),
      addresses: [
        { type: 'InternalIP', address: '⟦address⟧' },
        { type: 'Hostname', address: '⟦name⟧' },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        machineID: 'ec2',
        systemUUID: 'ec2',
        bootID: '6f9a3c1e-2b52-4d0e-9a4e-0d7f2f1f7b11',
        kernelVersion: '6.12.0',
        osImage: 'Linux',
        containerRuntimeVersion: 'containerd://2.1.4',
        kubeletVersion: 'v1.37.2',
        kubeProxyVersion: '',
        operatingSystem: 'linux',
        architecture: 'amd64',
      },
      // The kubelet lists up to 50.
      images: Array.from({ length: 40 }, (_, at) => ({
        names: [
          IMAGE.replace('⟦workload⟧', 'image').replace('⟦container⟧', String(at)),
          `registry.example.com/platform/image-${at}:v1.${at}.0`,
        ],
        sizeBytes: 84_519_321 + at,
      })),
    },
  };
}

const POD_TEMPLATES: Readonly<Record<PodStage, Template>> = {
  unscheduled: templateOf(pod('unscheduled')),
  scheduled: templateOf(pod('scheduled')),
  running: templateOf(pod('running')),
  terminating: templateOf(pod('terminating')),
};

const NODE_TEMPLATE = templateOf(node());
