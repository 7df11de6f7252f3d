// What the kubelet itself says, read through the API server's node proxy. Format: /metrics/resource of Kubernetes (Prometheus text
// with timestamps); read here by other means than the product's own parser.
import type { Commanded } from '../e2e/cluster.ts';

/** At one instant of the node's wall clock. */
export interface Told {
  readonly value: number;
  readonly atMs: number;
}

export interface KubeletFigures {
  /** By `namespace/pod/container`, `node` for the node. Seconds. */
  readonly cpuSeconds: ReadonlyMap<string, Told>;
  /** The same. Bytes. */
  readonly workingSet: ReadonlyMap<string, Told>;
}

export const NODE_KEY = 'node';
const LINE = /^(container|node)_(cpu_usage_seconds_total|memory_working_set_bytes)(?:\{(.*)\})? (\S+) (\d+)$/;

export async function readKubelet({ kube }: Pick<Commanded, 'kube'>, node: string): Promise<KubeletFigures> {
  const { status, body } = await kube.call('GET', `/api/v1/nodes/${node}/proxy/metrics/resource`, {
    headers: { accept: 'text/plain' },
  });
  if (status !== 200) throw new Error(`the kubelet's metrics: HTTP ${status}: ${body.toString().slice(0, 200)}`);
  const cpuSeconds = new Map<string, Told>();
  const workingSet = new Map<string, Told>();
  for (const line of body.toString().split('\n')) {
    const [, kind, name, labels = '', value, at] = LINE.exec(line) ?? [];
    if (kind === undefined) continue;
    const target = name === 'cpu_usage_seconds_total' ? cpuSeconds : workingSet;
    target.set(kind === 'node' ? NODE_KEY : keyOf(labels), { value: Number(value), atMs: Number(at) });
  }
  return { cpuSeconds, workingSet };
}

function keyOf(labels: string): string {
  const label = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
  return `${label('namespace')}/${label('pod')}/${label('container')}`;
}
