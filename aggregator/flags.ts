// The aggregator's command line. Flags that mean what they mean in metrics-server carry its names.
import { CodedError } from '../agent/runtime/coded-error.ts';
import { parseFlags } from '../agent/runtime/flag-table.ts';
import type { FlagTable, FlagValues } from '../agent/runtime/flag-table.ts';
import { LOG_LEVELS } from '../agent/runtime/logger.ts';

export const AGGREGATOR_FLAGS = {
  kubeconfig: {
    type: 'string',
    help: "Kubeconfig of the API server; unset: the pod's own service account.",
  },
  'bind-address': { type: 'string', default: '0.0.0.0', help: 'Address that both ports listen on.' },
  'secure-port': {
    type: 'integer',
    default: '4443',
    min: 0,
    max: 65_535,
    help: 'Port of the metrics API (metrics.k8s.io); 0: any free one.',
  },
  'push-port': {
    type: 'integer',
    default: '4444',
    min: 0,
    max: 65_535,
    help: 'Port that agents push to; 0: any free one.',
  },
  'tls-cert-file': { type: 'string', help: 'Serving certificate of both ports, PEM, with its chain. Required.' },
  'tls-private-key-file': { type: 'string', help: 'Private key of the serving certificate, PEM. Required.' },
  'client-ca-file': {
    type: 'string',
    help: 'CA of client certificates that the metrics API accepts; unset: none are.',
  },
  'requestheader-client-ca-file': {
    type: 'string',
    help: "CA of the API server's front-proxy certificate, whose X-Remote-User headers are believed; unset: none is.",
  },
  'requestheader-allowed-names': {
    type: 'strings',
    help: 'Common names that the front-proxy certificate may have; unset: any from its CA.',
  },
  'push-token-file': { type: 'string', help: 'File with the token that agents push with. Required.' },
  staleness: {
    type: 'duration',
    default: '60s',
    min: 1000,
    max: 3_600_000,
    help: 'How long the last values of a silent node are served, counted from their receipt.',
  },
  'ready-timeout': {
    type: 'duration',
    default: '10s',
    min: 0,
    max: 600_000,
    help: 'Ready when every node with an agent has pushed, at the latest after this.',
  },
  resize: {
    type: 'string',
    default: 'off',
    oneOf: ['off', 'dry-run', 'on'],
    help: 'Whether pods that ask for it (annotation headroom.dev/resize) are resized in place; dry-run only says what would be done.',
  },
  'log-level': {
    type: 'string',
    default: 'info',
    oneOf: LOG_LEVELS,
    help: 'Least level that is logged.',
  },
  version: { type: 'boolean', help: 'Print the version and exit.' },
  help: { type: 'boolean', help: 'Print this help and exit.' },
} as const satisfies FlagTable;

const REQUIRED = ['tls-cert-file', 'tls-private-key-file', 'push-token-file'] as const;

type Parsed = FlagValues<typeof AGGREGATOR_FLAGS>;

/** What the process needs is there. */
export type AggregatorFlags = Parsed & { readonly [K in (typeof REQUIRED)[number]]: string };

/**
 * @returns 'help' or 'version' when that is all that was asked for
 * @throws CodedError bad_flag
 */
export function readAggregatorFlags(argv: readonly string[]): AggregatorFlags | 'help' | 'version' {
  const flags = parseFlags(AGGREGATOR_FLAGS, argv);
  if (flags.help) return 'help';
  if (flags.version) return 'version';
  for (const name of REQUIRED) {
    if (!flags[name]) throw new CodedError('bad_flag', `--${name} is missing: ${AGGREGATOR_FLAGS[name].help}`);
  }
  return flags as AggregatorFlags;
}
