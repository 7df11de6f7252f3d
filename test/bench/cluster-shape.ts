// The bench's cluster: who is where, and under which ids. Both the fake API server and the load generator work it out from
// the same numbers, so that nothing but a pod's incarnation has to go between them.
import { createHash } from 'node:crypto';

export const PODS_PER_NODE = 30;
export const CONTAINERS = ['app', 'proxy'] as const;
/** metrics-server was measured with one namespace of 1,500 pods among 30,000. */
const PODS_PER_NAMESPACE = 1500;
/** Pods of one workload, one label selector, within a namespace. */
const PODS_PER_WORKLOAD = 50;

/** One life of a pod of the cluster: `incarnation` grows when it is replaced. */
export interface PodLife {
  readonly pod: number;
  readonly incarnation: number;
}

export function nodeName(node: number): string {
  return `worker-${String(node).padStart(4, '0')}.eu-central.example.com`;
}

/** Of its kubelet: all are one process's, which looks at the address that was dialled. */
export function nodeAddress(node: number): string {
  return `127.${1 + (node >> 16)}.${(node >> 8) & 255}.${node & 255}`;
}

export function nodeAt(address: string): number {
  const [, high = 1, middle = 0, low = 0] = address.split('.').map(Number);
  return ((high - 1) << 16) | (middle << 8) | low;
}

export function nodeOf(pod: number): number {
  return Math.floor(pod / PODS_PER_NODE);
}

/** Neighbours of one node are of many namespaces. */
export function namespaceOf(pod: number, pods: number): string {
  return `team-${String(pod % Math.ceil(pods / PODS_PER_NAMESPACE)).padStart(2, '0')}`;
}

export function workloadOf(pod: number, pods: number): string {
  const inNamespace = Math.floor(pod / Math.ceil(pods / PODS_PER_NAMESPACE));
  return `service-${String(Math.floor(inNamespace / PODS_PER_WORKLOAD)).padStart(2, '0')}`;
}

export function podName({ pod, incarnation }: PodLife, pods: number): string {
  const suffix = hash(`name ${pod} ${incarnation}`);
  return `${workloadOf(pod, pods)}-${hash(workloadOf(pod, pods)).slice(0, 9)}-${suffix.slice(0, 8)}`;
}

export function podUid({ pod, incarnation }: PodLife): string {
  const hex = hash(`uid ${pod} ${incarnation}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export function containerId({ pod, incarnation }: PodLife, container: number): string {
  return hash(`container ${pod} ${incarnation} ${container}`);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
