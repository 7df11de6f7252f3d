// The time of each leg of a resize. What the aggregator measured is read from its log. A patch is accepted when the API server answers it
// (audit log): from then on the node works at it, while the answer is still on its way to the aggregator on that same busy node.
import type { AcceptedPatch, LeakRun, Seen } from './leak-run.ts';

export interface OwnLegs {
  readonly signalToReceivedMs: number;
  readonly receivedToDecidedMs: number;
  readonly decidedToAcceptedMs: number;
}

export interface Legs extends OwnLegs {
  /** From the API server's answer until the aggregator had it. */
  readonly answerMs: number;
  /** The limit that was asked for, bytes. */
  readonly limitBytes: number;
  /** Of decidedToAcceptedMs, from the request at the API server to its answer. */
  readonly apiServerMs: number;
  readonly acceptedToPodLimitMs: number;
  readonly acceptedToContainerLimitMs: number;
  /** status.containerStatuses[].resources */
  readonly acceptedToStatusMs: number;
}

interface ToldLegs extends OwnLegs {
  readonly limitBytes: number;
  /** When the aggregator had the answer, by the guest's wall clock; ISO 8601. decidedToAcceptedMs lasts until then. */
  readonly acceptedAt: string;
}

/** "resize accepted" of a pod, in the order of the log; JSON lines of both replicas. */
export function ownLegs(log: string, pod: string): readonly ToldLegs[] {
  interface Line extends OwnLegs, Pick<ToldLegs, 'acceptedAt'> {
    readonly msg?: string;
    readonly pod?: string;
    readonly target?: { readonly memoryBytes?: number };
  }
  return log
    .split('\n')
    .filter((line) => line.includes('"resize accepted"'))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.pod === `default/${pod}`)
    .map((line) => ({ ...line, limitBytes: line.target?.memoryBytes ?? NaN }));
}

/** Two clocks, one of them an emulated machine's, are compared no better than this. */
const CLOCK_MS = 5;
/** A process that is preempted between an event and its stamp tells it so much too late; 16 ms were seen. More is a clock that is off. */
const PREEMPTED_MS = 25;

/** Of the first resize of a run. @throws Error where a leg was not seen */
export function firstLegs(run: LeakRun, log: string, accepted: readonly AcceptedPatch[]): Legs {
  const { name } = run.shape;
  const [own] = ownLegs(log, name);
  const [patch] = accepted;
  if (own === undefined || patch === undefined) throw new Error(`${name} was not resized`);
  const { atMs: acceptedMs, tookMs: apiServerMs } = patch;
  const { limitBytes } = own;
  const toldMs = Date.parse(own.acceptedAt) - run.guestAheadMs - acceptedMs;
  // Each of the two is by one clock alone: what the answer took at most is known whatever the other clock says.
  const mostMs = own.decidedToAcceptedMs - apiServerMs;
  const answerMs = Math.max(0, Math.min(toldMs, mostMs));
  // More than 0: the guest's clock is told late; less: the yes was stamped late, by the host's.
  const guestLateMs = toldMs - answerMs;
  if (!(mostMs >= -PREEMPTED_MS && Math.abs(guestLateMs) <= PREEMPTED_MS))
    throw new Error(`${name}: decided to accepted ${own.decidedToAcceptedMs} ms, ${toldMs} of them for the answer and ${apiServerMs} at the API server`); // prettier-ignore
  const decidedToAcceptedMs = own.decidedToAcceptedMs - answerMs;
  const after = (what: string, seen: readonly Seen[], lateMs: number): number => {
    const fromMs = acceptedMs + lateMs;
    // The kernel keeps memory.max in whole pages.
    const first = seen.find(({ atMs, value }) => atMs >= fromMs - CLOCK_MS && Math.abs(value - limitBytes) < 4096);
    if (first === undefined)
      throw new Error(`${what} of ${name} never was ${limitBytes}: ${JSON.stringify(seen.slice(-5))}`);
    return first.atMs - fromMs;
  };
  return {
    signalToReceivedMs: own.signalToReceivedMs,
    receivedToDecidedMs: own.receivedToDecidedMs,
    decidedToAcceptedMs,
    answerMs,
    limitBytes,
    apiServerMs,
    acceptedToPodLimitMs: after('memory.max of the pod', run.podLimit, guestLateMs),
    acceptedToContainerLimitMs: after('memory.max of the container', run.containerLimit, guestLateMs),
    acceptedToStatusMs: after('the status', run.statusLimit, Math.min(0, guestLateMs)),
  };
}

/** Signal → the API server's yes. */
export function ownMs({ signalToReceivedMs, receivedToDecidedMs, decidedToAcceptedMs }: OwnLegs): number {
  return signalToReceivedMs + receivedToDecidedMs + decidedToAcceptedMs;
}

/** Of the whole time from the signal to the container's memory.max. */
export function ownShare(legs: Legs): number {
  return ownMs(legs) / (ownMs(legs) + legs.acceptedToContainerLimitMs);
}

/** The same until the aggregator had the answer, though the node is at it by then. */
export function heardShare(legs: Legs): number {
  return (ownMs(legs) + legs.answerMs) / (ownMs(legs) + legs.acceptedToContainerLimitMs);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const COLUMNS = [
  ['signal → received', (legs: Legs) => legs.signalToReceivedMs],
  ['→ decided', (legs: Legs) => legs.signalToReceivedMs + legs.receivedToDecidedMs],
  ['→ accepted', ownMs],
  ['→ pod memory.max', (legs: Legs) => ownMs(legs) + legs.acceptedToPodLimitMs],
  ['→ container memory.max', (legs: Legs) => ownMs(legs) + legs.acceptedToContainerLimitMs],
  ['→ status', (legs: Legs) => ownMs(legs) + legs.acceptedToStatusMs],
  ['ours, %', (legs: Legs) => 100 * ownShare(legs)],
  ['API server', (legs: Legs) => legs.apiServerMs],
  ['its answer', (legs: Legs) => legs.answerMs],
] as const;

/** Milliseconds since the signal, a line a run; last how long the API server took over the patch, and how long its answer was on its way. */
export function legTable(rows: readonly { readonly title: string; readonly legs: Legs }[]): string {
  const cells = [
    ['leak', ...COLUMNS.map(([title]) => title)],
    ...rows.map(({ title, legs }) => [title, ...COLUMNS.map(([, figure]) => figure(legs).toFixed(0))]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join('  ')).join('\n');
}
