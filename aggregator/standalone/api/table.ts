// Table answers, which kubectl get prints as they are. Source: meta/v1 Table, kubernetes/pkg/printers/internalversion.
import type { KubeEvent, KubeObject, Node, Pod } from './objects.ts';

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer';
  readonly format: '' | 'name';
  readonly description: string;
  /** 0: always shown; 1: with `-o wide`. */
  readonly priority: 0 | 1;
}

type Cell = string | number;
type Rows = {
  readonly columns: readonly Column[];
  readonly cells: (object: KubeObject, wallTimeMs: number) => readonly Cell[];
};

export interface TableOptions {
  readonly wallTimeMs: number;
  readonly apiVersion: string;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
}

export function tableOf(
  resource: string,
  objects: readonly KubeObject[],
  metadata: Readonly<Record<string, unknown>>,
  { wallTimeMs, apiVersion, includeObject }: TableOptions,
): unknown {
  const rows = ROWS[resource] ?? NAME_AND_AGE;
  return {
    kind: 'Table',
    apiVersion,
    metadata,
    columnDefinitions: rows.columns,
    rows: objects.map((object) => ({
      cells: rows.cells(object, wallTimeMs),
      ...(includeObject === 'None'
        ? {}
        : { object: includeObject === 'Object' ? object : partialMetadata(object, apiVersion) }),
    })),
  };
}

export function partialMetadata(object: KubeObject, apiVersion = 'meta.k8s.io/v1'): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata };
}

function columns(...names: readonly string[]): readonly Column[] {
  return names.map((name) => ({
    name: name.replace('*', ''),
    type: name === 'Count*' ? 'integer' : 'string',
    format: name === 'Name' ? 'name' : '',
    description: '',
    priority: name.endsWith('*') ? 1 : 0,
  }));
}

const NAME_AND_AGE: Rows = {
  columns: columns('Name', 'Age'),
  cells: ({ metadata }, now) => [metadata.name, age(metadata.creationTimestamp, now)],
};

/** A name ending in * is a wide column. */
const ROWS: Readonly<Record<string, Rows>> = {
  pods: {
    columns: columns(
      'Name',
      'Ready',
      'Status',
      'Restarts',
      'Age',
      'IP*',
      'Node*',
      'Nominated Node*',
      'Readiness Gates*',
    ),
    cells: (object, now) => podCells(object as Pod, now),
  },
  nodes: {
    columns: columns(
      'Name',
      'Status',
      'Roles',
      'Age',
      'Version',
      'Internal-IP*',
      'External-IP*',
      'OS-Image*',
      'Kernel-Version*',
      'Container-Runtime*',
    ),
    cells: (object, now) => nodeCells(object as Node, now),
  },
  namespaces: {
    columns: columns('Name', 'Status', 'Age'),
    cells: (object, now) => [
      object.metadata.name,
      (object.status as { phase?: string } | undefined)?.phase ?? 'Active',
      age(object.metadata.creationTimestamp, now),
    ],
  },
  events: {
    columns: columns(
      'Last Seen',
      'Type',
      'Reason',
      'Object',
      'Subobject*',
      'Source*',
      'Message',
      'First Seen*',
      'Count*',
      'Name*',
    ),
    cells: (object, now) => eventCells(object as KubeEvent, now),
  },
};

function podCells(pod: Pod, now: number): readonly Cell[] {
  const statuses = pod.status.containerStatuses ?? [];
  const restarts = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const lastRestart = statuses
    .map(({ lastState }) => lastState.terminated?.finishedAt)
    .filter((at) => at !== undefined)
    .sort()
    .at(-1);
  return [
    pod.metadata.name,
    `${statuses.filter(({ ready }) => ready).length}/${pod.spec.containers.length}`,
    podReason(pod),
    lastRestart === undefined || restarts === 0 ? String(restarts) : `${restarts} (${age(lastRestart, now)} ago)`,
    age(pod.metadata.creationTimestamp, now),
    pod.status.podIP ?? '<none>',
    pod.spec.nodeName ?? '<none>',
    '<none>',
    '<none>',
  ];
}

/** Phase, or the reason of the container that is worse off. */
function podReason(pod: Pod): string {
  for (const { state } of pod.status.containerStatuses ?? []) {
    const reason = state.waiting?.reason ?? state.terminated?.reason;
    if (reason !== undefined) return reason;
  }
  return pod.status.phase;
}

function nodeCells(node: Node, now: number): readonly Cell[] {
  const ready = node.status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  const roles = Object.keys(node.metadata.labels ?? {})
    .filter((label) => label.startsWith('node-role.kubernetes.io/'))
    .map((label) => label.slice('node-role.kubernetes.io/'.length));
  const address = (wanted: string): string =>
    node.status.addresses?.find(({ type }) => type === wanted)?.address ?? '<none>';
  const { kubeletVersion, osImage, kernelVersion, containerRuntimeVersion } = node.status.nodeInfo ?? {};
  return [
    node.metadata.name,
    ready ? 'Ready' : 'NotReady',
    roles.join(',') || '<none>',
    age(node.metadata.creationTimestamp, now),
    kubeletVersion ?? '<unknown>',
    address('InternalIP'),
    address('ExternalIP'),
    osImage ?? '<unknown>',
    kernelVersion ?? '<unknown>',
    containerRuntimeVersion ?? '<unknown>',
  ];
}

function eventCells(event: KubeEvent, now: number): readonly Cell[] {
  const last = event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
  const first = event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
  const { kind = '', name = '', fieldPath = '' } = event.involvedObject;
  const count = event.count ?? 1;
  const seen = age(last, now);
  return [
    count > 1 ? `${seen} (x${count} over ${age(first, now)})` : seen,
    event.type ?? '',
    event.reason ?? '',
    `${kind.toLowerCase()}/${name}`,
    fieldPath,
    [event.source?.component ?? event.reportingComponent ?? '', event.source?.host].filter(Boolean).join(', '),
    (event.message ?? '').trim(),
    age(first, now),
    count,
    event.metadata.name,
  ];
}

/** As apimachinery's HumanDuration: 5s, 3m10s, 15m, 4h5m, 30h, 2d4h, 12d, 1y20d. */
export function age(since: string, wallTimeMs: number): string {
  const seconds = Math.floor((wallTimeMs - Date.parse(since)) / 1000);
  if (Number.isNaN(seconds)) return '<unknown>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return two(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? two(years, 'y', days % 365, 'd') : `${years}y`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
