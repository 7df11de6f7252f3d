// The flags of the kubelet fallback: metrics-server's names, meanings and checks (cmd/metrics-server/app/options).
import { CodedError } from '../../../agent/runtime/coded-error.ts';
import type { FlagTable, FlagValues } from '../../../agent/runtime/flag-table.ts';

export const KUBELET_FLAGS = {
  'metric-resolution': {
    type: 'duration',
    default: '15s',
    min: 10_000,
    max: 600_000,
    help: 'How often the kubelets of nodes without a living agent are scraped.',
  },
  'kubelet-request-timeout': {
    type: 'duration',
    default: '10s',
    min: 100,
    max: 60_000,
    help: 'How long one scrape of a kubelet may take; at most nine tenths of --metric-resolution.',
  },
  'kubelet-preferred-address-types': {
    type: 'strings',
    default: 'Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP',
    help: 'Types of node addresses in the order in which a kubelet is looked for at them.',
  },
  'kubelet-port': {
    type: 'integer',
    default: '10250',
    min: 1,
    max: 65_535,
    help: 'Port of the kubelets.',
  },
  'kubelet-use-node-status-port': {
    type: 'boolean',
    help: "Take the port of the node's status (daemonEndpoints), where it has one, before --kubelet-port.",
  },
  'kubelet-certificate-authority': {
    type: 'string',
    help: "CA of the kubelets' serving certificates, PEM; unset: that of the API server.",
  },
  'kubelet-client-certificate': { type: 'string', help: 'Client certificate to show to kubelets, PEM.' },
  'kubelet-client-key': { type: 'string', help: 'Private key of --kubelet-client-certificate, PEM.' },
  'kubelet-insecure-tls': {
    type: 'boolean',
    help: "Do not verify kubelets' serving certificates: anyone who answers at a node's address gets the token. For tests.",
  },
} as const satisfies FlagTable;

export type KubeletFlags = FlagValues<typeof KUBELET_FLAGS>;

/** What one flag alone can't tell. @throws CodedError bad_flag */
export function checkKubeletFlags(flags: KubeletFlags): void {
  const resolutionMs = flags['metric-resolution'];
  const timeoutMs = flags['kubelet-request-timeout'];
  if (resolutionMs * 0.9 < timeoutMs) {
    const given = `but metric-resolution value ${resolutionMs / 1000}s kubelet-request-timeout value ${timeoutMs / 1000}s provided`;
    throw new CodedError('bad_flag', `metric-resolution should be larger than kubelet-request-timeout, ${given}`);
  }
  if (flags['kubelet-insecure-tls'] && flags['kubelet-certificate-authority'] !== undefined) {
    throw new CodedError('bad_flag', 'cannot use both --kubelet-certificate-authority and --kubelet-insecure-tls');
  }
  const pair = [flags['kubelet-client-certificate'], flags['kubelet-client-key']];
  if (pair.filter((path) => path === undefined).length === 1) {
    throw new CodedError('bad_flag', 'need both --kubelet-client-key and --kubelet-client-certificate');
  }
}
