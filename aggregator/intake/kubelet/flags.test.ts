import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../../agent/runtime/flag-table.ts';
import { checkKubeletFlags, KUBELET_FLAGS } from './flags.ts';

function check(...argv: readonly string[]): () => void {
  return () => checkKubeletFlags(parseFlags(KUBELET_FLAGS, argv));
}

describe('the kubelet flags', () => {
  it('are fine as they are', () => {
    expect(check()).not.toThrow();
    expect(parseFlags(KUBELET_FLAGS, [])['kubelet-preferred-address-types']).toEqual([
      'Hostname',
      'InternalDNS',
      'InternalIP',
      'ExternalDNS',
      'ExternalIP',
    ]);
  });

  it.each([
    [['--metric-resolution=9s'], /--metric-resolution=9s: must be a duration .* from 10000/],
    [['--metric-resolution=11s'], /metric-resolution should be larger than kubelet-request-timeout, but .* 11s .* 10s/],
    [
      ['--kubelet-insecure-tls', '--kubelet-certificate-authority=/ca'],
      /cannot use both --kubelet-certificate-authority and --kubelet-insecure-tls/,
    ],
    [['--kubelet-client-key=/key'], /need both --kubelet-client-key and --kubelet-client-certificate/],
  ])('refuse %j', (argv, message) => {
    expect(check(...argv)).toThrow(message);
  });
});
