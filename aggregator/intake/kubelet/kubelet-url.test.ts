import { describe, expect, it } from 'vitest';
import type { WireObject } from '../../kube/wire.ts';
import { projectKubeletNode } from './kubelet-node.ts';
import { kubeletUrl } from './kubelet-url.ts';

const rules = { preferredAddressTypes: ['InternalIP', 'Hostname'], port: 10_250, useNodeStatusPort: true };

function nodeOf(status: object, annotations: Readonly<Record<string, string>> = {}) {
  return projectKubeletNode({ metadata: { name: 'n1', annotations }, status } as WireObject)!;
}

function addresses(...pairs: readonly (readonly [string, string])[]): object {
  return { addresses: pairs.map(([type, address]) => ({ type, address })) };
}

describe('kubeletUrl', () => {
  it('takes the first address of the first preferred type', () => {
    const node = nodeOf(addresses(['Hostname', 'n1.example'], ['InternalIP', '10.0.0.1'], ['InternalIP', 'fd00::1']));
    expect(kubeletUrl(node, rules)?.href).toBe('https://10.0.0.1:10250/metrics/resource');
    expect(kubeletUrl(node, { ...rules, preferredAddressTypes: ['InternalDNS', 'Hostname'] })?.host).toBe(
      'n1.example:10250',
    );
  });

  it('puts IPv6 into brackets', () => {
    expect(kubeletUrl(nodeOf(addresses(['InternalIP', 'fd00::1'])), rules)?.href).toBe(
      'https://[fd00::1]:10250/metrics/resource',
    );
  });

  it("takes the port of the node's status only when told to, and only when there is one", () => {
    const node = nodeOf({
      ...addresses(['InternalIP', '10.0.0.1']),
      daemonEndpoints: { kubeletEndpoint: { Port: 20_250 } },
    });
    expect(kubeletUrl(node, rules)?.port).toBe('20250');
    expect(kubeletUrl(node, { ...rules, useNodeStatusPort: false })?.port).toBe('10250');
    expect(kubeletUrl({ ...node, statusPort: 0 }, rules)?.port).toBe('10250');
  });

  it('asks at the path that the node names', () => {
    const annotation = 'metrics.k8s.io/resource-metrics-path';
    const where = addresses(['InternalIP', '10.0.0.1']);
    expect(kubeletUrl(nodeOf(where, { [annotation]: '/virtual/metrics?x=1' }), rules)?.href).toBe(
      'https://10.0.0.1:10250/virtual/metrics?x=1',
    );
    expect(kubeletUrl(nodeOf(where, { [annotation]: 'evil.example/' }), rules)?.host).toBe('10.0.0.1:10250');
  });

  it.each(['', 'a/b', 'user@elsewhere', 'a b', 'x?y', '[::1'])('has no URL for the address %j', (address) => {
    expect(kubeletUrl(nodeOf(addresses(['InternalIP', address])), rules)).toBeUndefined();
  });

  it('has no URL when no type matches', () => {
    expect(kubeletUrl(nodeOf(addresses(['ExternalIP', '1.2.3.4'])), rules)).toBeUndefined();
    expect(kubeletUrl(nodeOf({}), rules)).toBeUndefined();
  });
});
