// The agent's command line. docs/flags.md and --help come from this table.
import { parseFlags } from './runtime/flag-table.ts';
import type { FlagTable, FlagValues } from './runtime/flag-table.ts';
import { CodedError } from './runtime/coded-error.ts';
import { LOG_LEVELS } from './runtime/logger.ts';

/** Node's own flags for the agent process: 3 MB less, and no slower (measured: test/bench/agent.ts). Launchers and images pass them. */
export const AGENT_NODE_FLAGS: readonly string[] = ['--max-semi-space-size=1', '--v8-pool-size=1'];

export const AGENT_FLAGS = {
  help: { type: 'boolean', help: 'Print the flags and exit.' },
  'node-name': { type: 'string', help: 'Name of this node in the cluster (spec.nodeName of the agent pod).' },
  aggregator: {
    type: 'strings',
    help: 'Base URL of an aggregator, repeatable or comma-separated; none: only observe and serve /metrics.',
  },
  'aggregator-ca-file': {
    type: 'string',
    help: 'PEM file with the CA that signed the aggregators’ certificates; waited for where its folder is there and it is not.',
  },
  'aggregator-server-name': { type: 'string', help: 'Name to expect in the aggregators’ certificates (TLS SNI).' },
  'token-file': { type: 'string', help: 'File with the bearer token for the aggregators, read again when it changes.' },
  'cgroup-root': { type: 'string', default: '/sys/fs/cgroup', help: 'Where the host’s cgroup tree is mounted.' },
  'proc-root': { type: 'string', default: '/proc', help: 'Where the host’s /proc is mounted.' },
  'push-interval': { type: 'duration', default: '5s', min: 500, max: 60_000, help: 'Time between two pushes.' },
  window: {
    type: 'duration',
    default: '15s',
    min: 1000,
    max: 300_000,
    help: 'Stretch over which CPU usage is a rate, or since a container’s start while it is younger.',
  },
  listen: {
    type: 'address',
    default: '127.0.0.1:9469',
    help: 'Address of /metrics, /healthz, /startupz, /readyz and /containers.',
  },
  'debug-listen': {
    type: 'address',
    default: '127.0.0.1:9470',
    help: 'Address of the debugging page and its JSON; beyond loopback it needs --debug-token-file. Port 0: any free one.',
  },
  'debug-token-file': {
    type: 'string',
    help: 'File with the token for profiles and the log level, and for everything where --debug-listen is no loopback address.',
  },
  services: {
    type: 'boolean',
    help: 'Count systemd services as pods while the node has no container cgroups.',
  },
  'log-level': { type: 'string', default: 'info', oneOf: LOG_LEVELS, help: 'Least level that is logged.' },
} as const satisfies FlagTable;

export type AgentFlags = FlagValues<typeof AGENT_FLAGS>;

/** @throws CodedError bad_flag, also when flags that belong together are not given together */
export function readAgentFlags(argv: readonly string[]): AgentFlags {
  const flags = parseFlags(AGENT_FLAGS, argv);
  if (flags.help) return flags;
  if (!flags['node-name']) {
    throw new CodedError('bad_flag', '--node-name is missing: set it to the name of this node (spec.nodeName)');
  }
  for (const url of flags.aggregator) {
    if (!/^https?:$/.test(protocolOf(url))) {
      throw new CodedError('bad_flag', `--aggregator=${url}: must be a URL like https://headroom-aggregator:4444`);
    }
  }
  if (flags.aggregator.length > 0 && flags['token-file'] === undefined) {
    throw new CodedError('bad_flag', '--token-file is missing: aggregators take pushes only with a token');
  }
  return flags;
}

function protocolOf(url: string): string {
  try {
    return new URL(url).protocol;
  } catch {
    return '';
  }
}
