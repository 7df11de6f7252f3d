// The aggregator's command line. Flags that mean what they mean in metrics-server carry its names.
import { CodedError } from '../agent/runtime/coded-error.ts';
import { parseFlags } from '../agent/runtime/flag-table.ts';
import type { FlagTable, FlagValues } from '../agent/runtime/flag-table.ts';
import { LOG_LEVELS } from '../agent/runtime/logger.ts';
import { checkKubeletFlags, KUBELET_FLAGS } from './intake/kubelet/flags.ts';

/** Node's own flags for the aggregator process, which its image passes: 80 MiB less for 1,000 nodes (measured: test/bench/cluster.ts). */
export const AGGREGATOR_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=1'];

/**
 * glibc's allocator (mallopt(3)): what is 16 KiB or more gets pages of its own, which are used only as far as they are touched and
 * go back to the system when freed. A TLS connection of Node has a 64 KiB read buffer of which an agent's pushes touch 8.
 */
export const AGGREGATOR_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '16384',
  MALLOC_TOP_PAD_: '16384',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

export const AGGREGATOR_FLAGS = {
  kubeconfig: {
    type: 'string',
    help: "Kubeconfig of the API server; unset: the pod's own service account.",
  },
  'bind-address': {
    type: 'string',
    default: '0.0.0.0',
    help: 'Address that both ports listen on; 0.0.0.0 or ::, all addresses of both families.',
  },
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
  'tls-cert-file': {
    type: 'string',
    help: 'Serving certificate of both ports, PEM, with its chain; unset: one of the own CA, kept in Secret headroom-serving-cert.',
  },
  'tls-private-key-file': {
    type: 'string',
    help: 'Private key of the serving certificate, PEM. Belongs to --tls-cert-file.',
  },
  namespace: {
    type: 'string',
    help: "Namespace of the aggregator's own objects; unset: that of the pod's service account.",
  },
  'client-ca-file': {
    type: 'string',
    help: 'CA of client certificates that the metrics API accepts; unset: as ConfigMap kube-system/extension-apiserver-authentication says.',
  },
  'requestheader-client-ca-file': {
    type: 'string',
    help: "CA of the API server's front-proxy certificate, whose X-Remote-User headers are believed; unset: it and all that belongs to it as the ConfigMap says.",
  },
  'requestheader-allowed-names': {
    type: 'strings',
    help: 'Common names that the front-proxy certificate may have; unset: any from its CA. Counts with --requestheader-client-ca-file.',
  },
  'requestheader-username-headers': {
    type: 'strings',
    help: 'Headers that name the user; unset: x-remote-user. Counts with --requestheader-client-ca-file, as the next two.',
  },
  'requestheader-group-headers': {
    type: 'strings',
    help: "Headers that name the user's groups; unset: x-remote-group.",
  },
  'requestheader-extra-headers-prefix': {
    type: 'strings',
    help: 'How headers begin that tell more of the user; unset: x-remote-extra-.',
  },
  'authorization-always-allow-paths': {
    type: 'strings',
    default: '/healthz,/livez,/readyz',
    help: 'Paths that anyone may get, which are no resources; a * at the end stands for anything.',
  },
  'authentication-token-webhook-cache-ttl': {
    type: 'duration',
    default: '10s',
    min: 0,
    max: 3_600_000,
    help: 'How long the answer to a TokenReview counts.',
  },
  'authorization-webhook-cache-authorized-ttl': {
    type: 'duration',
    default: '10s',
    min: 0,
    max: 3_600_000,
    help: 'How long a SubjectAccessReview that allows counts.',
  },
  'authorization-webhook-cache-unauthorized-ttl': {
    type: 'duration',
    default: '10s',
    min: 0,
    max: 3_600_000,
    help: 'How long a SubjectAccessReview that does not allow counts.',
  },
  'push-audience': {
    type: 'string',
    default: 'headroom',
    help: "Audience that agents' projected tokens are for.",
  },
  'push-service-account': {
    type: 'string',
    default: 'headroom-system:headroom-agent',
    help: 'ServiceAccount of the agents, namespace:name: nobody else may push.',
  },
  ...KUBELET_FLAGS,
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
  'shutdown-delay': {
    type: 'duration',
    default: '0s',
    min: 0,
    max: 8000,
    help: 'How long requests are still answered after a signal to end, while /readyz fails: until nobody sends any more.',
  },
  resize: {
    type: 'string',
    default: 'off',
    oneOf: ['off', 'dry-run', 'on'],
    help: 'Whether pods that ask for it (annotation headroom.dev/resize) are resized in place; dry-run only says what would be done.',
  },
  'leader-elect': {
    type: 'boolean',
    default: 'true',
    help: 'With --resize: only the replica that holds the lease headroom-aggregator acts; --no-leader-elect: this one always does.',
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

const SERVICE_ACCOUNT = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?:[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/;

export type AggregatorFlags = FlagValues<typeof AGGREGATOR_FLAGS>;

/**
 * @returns 'help' or 'version' when that is all that was asked for
 * @throws CodedError bad_flag
 */
export function readAggregatorFlags(argv: readonly string[]): AggregatorFlags | 'help' | 'version' {
  const flags = parseFlags(AGGREGATOR_FLAGS, argv);
  if (flags.help) return 'help';
  if (flags.version) return 'version';
  checkKubeletFlags(flags);
  const account = flags['push-service-account'];
  if (!SERVICE_ACCOUNT.test(account)) {
    throw new CodedError('bad_flag', `--push-service-account=${account}: must be namespace:name`);
  }
  return flags;
}
