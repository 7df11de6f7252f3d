// The kubelets of the cluster bench, for metrics-server: /metrics/resource of every node from one TLS listener, which looks at the
// address that was dialled (cluster-shape.ts). Counters move with the clock. Format: k8s.io/component-base/metrics, KEP-1867.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CONTAINERS, namespaceOf, nodeAt, podName, PODS_PER_NODE } from './cluster-shape.ts';

export interface KubeletsStart {
  readonly tls: { readonly cert: string; readonly key: string };
  readonly nodes: number;
}

const STARTED_S = 1_763_000_000;
/** Containers are read by the kubelet each 10 s or so; all of a node's within this. */
const READ_WITHIN_MS = 2000;

/** What a family says of one container: its labels, CPU cores, bytes, how long ago it was read. */
interface Row {
  readonly labels: string;
  readonly cores: number;
  readonly bytes: number;
  readonly agoMs: number;
}

interface NodeRows {
  readonly containers: readonly Row[];
  readonly pods: readonly Row[];
}

process.on('message', ({ tls, nodes }: KubeletsStart) => {
  const rows = new Map<number, NodeRows>();
  const server = createServer({ ...tls, keepAliveTimeout: 90_000 }, (request, response) => {
    const node = nodeAt(request.socket.localAddress ?? '');
    let of = rows.get(node);
    if (of === undefined) rows.set(node, (of = rowsOf(node, nodes * PODS_PER_NODE)));
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(resourceMetrics(of, Date.now()));
  });
  server.listen(0, '0.0.0.0', () => process.send!({ port: (server.address() as AddressInfo).port }));
});
process.on('disconnect', () => process.exit(0));

function rowsOf(node: number, all: number): NodeRows {
  const containers: Row[] = [];
  const pods: Row[] = [];
  for (let at = 0; at < PODS_PER_NODE; at++) {
    const pod = node * PODS_PER_NODE + at;
    const of = `namespace="${namespaceOf(pod, all)}",pod="${podName({ pod, incarnation: 0 }, all)}"`;
    const agoMs = (pod * 7919) % READ_WITHIN_MS;
    CONTAINERS.forEach((name, index) => {
      // Never none at all: metrics-server takes that for no reading, and leaves the pod out.
      const cores = (1 + ((pod * 31 + index * 17) % 400)) / 1000;
      containers.push({ labels: `container="${name}",${of}`, cores, bytes: (64 + (pod % 200)) * 2 ** 20, agoMs });
    });
    pods.push({ labels: of, cores: 0.4, bytes: 2 ** 28, agoMs });
  }
  return { containers, pods };
}

function resourceMetrics({ containers, pods }: NodeRows, nowMs: number): string {
  const aliveS = nowMs / 1000 - STARTED_S;
  const family = (name: string, rows: readonly Row[], valueOf: (row: Row) => string, timed = true): string => {
    const lines = rows.map((row) => `${name}{${row.labels}} ${valueOf(row)}${timed ? ` ${nowMs - row.agoMs}` : ''}\n`);
    return `# HELP ${name} [STABLE] as the kubelet tells it\n# TYPE ${name} gauge\n${lines.join('')}`;
  };
  const cpu = ({ cores, agoMs }: Row): string => (cores * (aliveS - agoMs / 1000)).toFixed(6);
  const memory = ({ bytes }: Row): string => String(bytes + (Math.floor(aliveS) % 64) * 4096);
  return [
    family('container_cpu_usage_seconds_total', containers, cpu),
    family('container_memory_working_set_bytes', containers, memory),
    family('container_start_time_seconds', containers, () => String(STARTED_S), false),
    family('container_swap_usage_bytes', containers, () => '0'),
    `node_cpu_usage_seconds_total ${(aliveS * 6).toFixed(6)} ${nowMs}\n`,
    `node_memory_working_set_bytes ${20 * 2 ** 30} ${nowMs}\n`,
    family('pod_cpu_usage_seconds_total', pods, cpu),
    family('pod_memory_working_set_bytes', pods, memory),
    family('pod_swap_usage_bytes', pods, () => '0'),
    'scrape_error 0\n',
  ].join('');
}
