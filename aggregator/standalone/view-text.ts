// The live view as text: pure, a screen in, lines out.
import { cpuMillis, memoryBytes } from '../kube/quantity.ts';
import type { Pod, Quantities } from './api/objects.ts';
import { OBSERVED_ONLY } from './api/objects.ts';
import { podLimit } from './api/pod-resources.ts';

export interface NodeUsage {
  readonly metadata: { readonly name: string };
  readonly usage: Quantities;
}

export interface PodUsage {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly containers: readonly { readonly name: string; readonly usage: Quantities }[];
}

export interface Screen {
  readonly head: readonly string[];
  readonly nodes: readonly NodeUsage[];
  readonly usage: readonly PodUsage[];
  readonly pods: readonly Pod[];
  readonly events: readonly string[];
}

const MIB = 1024 * 1024;
const CELL = 9;
const MIN_NAME = 20;
const MAX_NAME = 64;
/** Lines for the last resizes, on however small a terminal. */
const MIN_TOLD = 6;
const SET_IN = ' '.repeat(6);

export function screenText({ head, nodes, usage, pods, events }: Screen, columns: number, rows: number): string {
  const byName = new Map(usage.map((pod) => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]));
  const used = (pod: Pod): PodUsage | undefined => byName.get(`${pod.metadata.namespace}/${pod.metadata.name}`);
  const sorted = pods.toSorted((a, b) => rank(a) - rank(b) || memoryOf(used(b)) - memoryOf(used(a)));
  const told = wrapped(events, columns, Math.max(MIN_TOLD, Math.floor(rows / 3)));
  const tail = ['', 'LAST RESIZES', ...(told.length > 0 ? told : ['none yet'])];
  const title = row(columns, ['NAMESPACE/POD', 'CPU', 'LIMIT', 'MEMORY', 'LIMIT', 'RESTARTS']);
  const room = Math.max(3, rows - head.length - nodes.length - tail.length - 4);
  const lines = sorted.slice(0, room).map((pod) => podLine(columns, pod, used(pod)));
  if (sorted.length > room) lines.push(`… ${sorted.length - room} more`);
  const all = [...head, '', ...nodes.map(nodeLine), '', title, ...lines, ...tail];
  return all.map((line) => line.slice(0, columns)).join('\n');
}

function nodeLine({ metadata, usage }: NodeUsage): string {
  return `node ${metadata.name}: ${millis(numberOf(cpuMillis(usage['cpu'] ?? '0')))} cpu, ${mib(numberOf(memoryBytes(usage['memory'] ?? '0')))} memory`;
}

function podLine(columns: number, pod: Pod, usage: PodUsage | undefined): string {
  const restarts = (pod.status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
  const cpu = usage?.containers.reduce((sum, container) => sum + numberOf(cpuMillis(container.usage['cpu'] ?? '0')), 0);
  return row(columns, [
    `${pod.metadata.namespace}/${pod.metadata.name}`,
    cpu === undefined ? '-' : millis(cpu),
    limit(podLimit(pod.spec.containers, 'cpu'), millis),
    usage ? mib(memoryOf(usage)) : '-',
    limit(podLimit(pod.spec.containers, 'memory'), mib),
    String(restarts),
  ]);
}

function memoryOf(usage: PodUsage | undefined): number {
  if (!usage) return -1;
  return usage.containers.reduce((sum, container) => sum + numberOf(memoryBytes(container.usage['memory'] ?? '0')), 0);
}

function numberOf(amount: number | 'malformed'): number {
  return amount === 'malformed' ? 0 : amount;
}

function limit(amount: number | undefined, text: (amount: number) => string): string {
  return amount === undefined ? '-' : text(amount);
}

function millis(amount: number): string {
  return `${Math.ceil(amount)}m`;
}

function mib(bytes: number): string {
  return `${Math.floor(bytes / MIB)}Mi`;
}

/** Each event whole, its further lines set in; as many of the newest events as there is room for, the first one in any case. */
function wrapped(events: readonly string[], columns: number, room: number): readonly string[] {
  const lines: string[] = [];
  for (const event of events) {
    const own = wrap(event, Math.max(MIN_NAME, columns));
    if (lines.length > 0 && lines.length + own.length > room) break;
    lines.push(...own.slice(0, room));
  }
  return lines;
}

function wrap(text: string, columns: number): readonly string[] {
  const lines = [''];
  for (const word of text.split(/(?<= )(?! )/)) {
    if (lines.at(-1)!.length + word.trimEnd().length > columns) lines.push(SET_IN);
    lines.push(lines.pop()! + word);
  }
  return lines;
}

/** Those that can be resized are what one looks for: before those that are only observed. */
function rank(pod: Pod): number {
  return pod.metadata.annotations?.[OBSERVED_ONLY] === 'true' ? 1 : 0;
}

/** The name gives way: the figures fit in any terminal of 65 columns. */
function row(columns: number, [name = '', ...cells]: readonly string[]): string {
  const width = Math.max(MIN_NAME, Math.min(MAX_NAME, columns - cells.length * CELL));
  const shown = name.length < width ? name : `${name.slice(0, width - 2)}…`;
  return shown.padEnd(width) + cells.map((cell) => cell.padStart(CELL)).join('');
}
