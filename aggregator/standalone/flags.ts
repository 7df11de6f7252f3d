// The standalone launcher's command line. docs/flags.md and --help come from this table.
import { hostname } from 'node:os';
import type { FlagTable, FlagValues } from '../../agent/runtime/flag-table.ts';
import { parseFlags } from '../../agent/runtime/flag-table.ts';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import { LOG_LEVELS } from '../../agent/runtime/logger.ts';

/** Used while nobody else has it; named on the command line, it is this port or none. */
export const DEFAULT_API_PORT = 16443;

export const STANDALONE_FLAGS = {
  help: { type: 'boolean', help: 'Print the flags and exit.' },
  demo: {
    type: 'boolean',
    help: 'Run workloads of its own (steady, bursty, leak, file-reader) in cgroups of its own.',
  },
  'leak-rate': {
    type: 'integer',
    default: '10',
    min: 1,
    max: 1000,
    help: 'What the leak of --demo takes, MiB a second.',
  },
  'api-port': {
    type: 'integer',
    min: 0,
    max: 65_535,
    help: `Port of the API on 127.0.0.1; not given: ${DEFAULT_API_PORT}, or a free one where that is taken.`,
  },
  'node-name': { type: 'string', help: 'Name of this machine as a node; not given: its host name.' },
  kubeconfig: {
    type: 'string',
    help: 'Where to write the kubeconfig; not given: headroom-<uid>/kubeconfig in $XDG_RUNTIME_DIR or the folder for temporary files.',
  },
  'cgroup-root': { type: 'string', default: '/sys/fs/cgroup', help: 'Where the cgroup tree is mounted.' },
  'proc-root': { type: 'string', default: '/proc', help: 'Where /proc is mounted.' },
  view: {
    type: 'string',
    default: 'auto',
    // parseArgs reads --no-view as `--view=false`, even where the table has a flag of that name.
    oneOf: ['auto', 'on', 'off', 'false'],
    help: 'A live table of the cluster instead of log lines; auto: on a terminal.',
  },
  'no-view': { type: 'boolean', help: 'The same as --view=off.' },
  duration: { type: 'duration', min: 1000, help: 'Stop by itself after so long.' },
  'log-level': { type: 'string', default: 'info', oneOf: LOG_LEVELS, help: 'Least level that is logged.' },
} as const satisfies FlagTable;

export type StandaloneFlags = FlagValues<typeof STANDALONE_FLAGS> & { readonly nodeName: string };

/** @throws CodedError bad_flag */
export function readStandaloneFlags(argv: readonly string[]): StandaloneFlags {
  const flags = parseFlags(STANDALONE_FLAGS, argv);
  const nodeName =
    flags['node-name'] ??
    hostname()
      .toLowerCase()
      .replace(/[^a-z0-9.-]+/g, '-')
      .replace(/^[-.]+|[-.]+$/g, '');
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(nodeName)) {
    throw new CodedError('bad_flag', `--node-name=${nodeName}: must be a DNS name in lower case`);
  }
  return { ...flags, nodeName };
}
