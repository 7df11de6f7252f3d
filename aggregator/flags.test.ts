import { describe, expect, it } from 'vitest';
import { readAggregatorFlags } from './flags.ts';

describe("the aggregator's flags", () => {
  it('resize nothing unless told to, and listen where metrics-server does', () => {
    expect(readAggregatorFlags([])).toMatchObject({
      resize: 'off',
      'bind-address': '0.0.0.0',
      'secure-port': 4443,
      'push-port': 4444,
      staleness: 60_000,
      'ready-timeout': 10_000,
      'requestheader-allowed-names': [],
      kubeconfig: undefined,
    });
  });

  it('keep reviews and open paths as k8s.io/apiserver does, and take pushes of the manifests’ agent', () => {
    expect(readAggregatorFlags([])).toMatchObject({
      'authorization-always-allow-paths': ['/healthz', '/livez', '/readyz'],
      'authentication-token-webhook-cache-ttl': 10_000,
      'authorization-webhook-cache-authorized-ttl': 10_000,
      'authorization-webhook-cache-unauthorized-ttl': 10_000,
      'push-audience': 'headroom',
      'push-service-account': 'headroom-system:headroom-agent',
    });
  });

  it.each(['headroom-agent', 'a:b:c', ':b', 'a:', 'A:b'])('refuse %s as a ServiceAccount', (account) => {
    expect(() => readAggregatorFlags([`--push-service-account=${account}`])).toThrow('namespace:name');
  });

  it('refuse a mode of resizing that does not exist', () => {
    expect(() => readAggregatorFlags(['--resize=maybe'])).toThrow('one of off, dry-run, on');
  });

  it('give help and version without anything else', () => {
    expect(readAggregatorFlags(['--help'])).toBe('help');
    expect(readAggregatorFlags(['--version'])).toBe('version');
  });
});
