// core/v1 Node → where its kubelet listens: addresses, port of the status, path if the node names another (metrics-server's annotation).
import type { WireObject } from '../../kube/wire.ts';

export interface KubeletNode {
  readonly name: string;
  readonly addresses: readonly NodeAddress[];
  /** status.daemonEndpoints.kubeletEndpoint.Port; 0: not told. */
  readonly statusPort: number;
  readonly path: string;
}

export interface NodeAddress {
  readonly type: string;
  readonly address: string;
}

interface WireKubeletNode extends WireObject {
  readonly status?: {
    readonly addresses?: readonly { readonly type?: string; readonly address?: string }[];
    readonly daemonEndpoints?: { readonly kubeletEndpoint?: { readonly Port?: number } };
  };
}

const DEFAULT_PATH = '/metrics/resource';
const PATH_ANNOTATION = 'metrics.k8s.io/resource-metrics-path';

/** Total, as every projection; undefined: no node. */
export function projectKubeletNode(node: WireObject): KubeletNode | undefined {
  const { metadata, status } = node as WireKubeletNode;
  if (!metadata?.name) return undefined;
  const path = metadata.annotations?.[PATH_ANNOTATION];
  return {
    name: metadata.name,
    addresses: (status?.addresses ?? []).flatMap(({ type, address }) =>
      type !== undefined && address ? [{ type, address }] : [],
    ),
    statusPort: status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0,
    path: path !== undefined && /^\/[\x21-\x7e]*$/.test(path) ? path : DEFAULT_PATH,
  };
}
