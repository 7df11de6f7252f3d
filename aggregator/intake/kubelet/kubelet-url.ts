// Which of a node's addresses its kubelet is asked at, by metrics-server's rules: the first address of the first preferred type.
import { isIPv6 } from 'node:net';
import type { KubeletNode } from './kubelet-node.ts';

export interface AddressRules {
  /** Address types in order of preference. */
  readonly preferredAddressTypes: readonly string[];
  readonly port: number;
  /** The port of the node's status goes before `port`, where it has one. */
  readonly useNodeStatusPort: boolean;
}

/** Undefined: none of the node's addresses is of a preferred type, or it is no host. */
export function kubeletUrl(node: KubeletNode, rules: AddressRules): URL | undefined {
  const address = preferred(node, rules.preferredAddressTypes);
  if (address === undefined) return undefined;
  const port = rules.useNodeStatusPort && node.statusPort > 0 ? node.statusPort : rules.port;
  const host = isIPv6(address) ? `[${address}]` : address;
  // A host may hold nothing that would make another URL of it.
  if (/[/?#@\\\s]/.test(host)) return undefined;
  const text = `https://${host}:${port}${node.path}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

function preferred({ addresses }: KubeletNode, types: readonly string[]): string | undefined {
  for (const type of types) {
    const found = addresses.find((each) => each.type === type);
    if (found !== undefined) return found.address;
  }
  return undefined;
}
