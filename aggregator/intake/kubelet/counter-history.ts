// What a kubelet told last time, to make rates of what it tells now. One node's; dropped when its agent comes to life.
// Rates go by the kubelet's own timestamps; a wall clock that was stepped between two scrapes spoils them, so it is watched for
// by the Date header against our monotonic clock.
import type { Receipt } from '../../store/row.ts';
import type { Scraped, ScrapedContainer, ScrapedUsage } from '../../store/scraped.ts';
import type { Counter } from './rate.ts';
import { rateOf } from './rate.ts';
import type { KubeletReading, Reading } from './resource-metrics.ts';

/** Older counters are not compared with: the mean of so long a time is nobody's usage. */
const MAX_WINDOW_MS = 120_000;
/** A Date header has whole seconds, and the answer may have been slow. */
const STEP_MS = 5000;
/** A clock that is less off than this is taken to be right: timestamps are corrected by more. */
const SKEW_MS = 2000;
const NODE_KEY = '';

export interface Taken {
  readonly scraped: Scraped;
  /** Readings that could be made a rate of, and those that a later one may. */
  readonly rates: number;
  readonly waiting: number;
}

export class CounterHistory {
  readonly #resolutionMs: number;
  #counters: ReadonlyMap<string, Counter> = new Map();
  #takenMonoMs = NaN;
  #nodeWallMs = NaN;

  constructor(resolutionMs: number) {
    this.#resolutionMs = resolutionMs;
  }

  /** @param nodeWallMs the node's wall clock at receipt, Unix ms to the second; NaN: not known, ours is taken for it */
  take(node: string, reading: KubeletReading, receipt: Receipt, nodeWallMs: number): Taken {
    this.#forgetUnlessComparable(receipt, nodeWallMs);
    const nodeNowMs = nodeNow(receipt, nodeWallMs);
    const next = new Map<string, Counter>();
    let rates = 0;
    const usageOf = (key: string, one: Reading): ScrapedUsage | undefined => {
      const usage = this.#usageOf(key, one, nodeNowMs, next);
      if (usage !== undefined) rates++;
      return usage;
    };
    const usage = usageOf(NODE_KEY, reading.node);
    const containers: ScrapedContainer[] = [];
    for (const [key, one] of reading.containers) {
      const { namespace, pod, container } = one;
      const used = usageOf(key, one);
      if (used !== undefined) containers.push({ namespace, pod, container, ...used });
    }
    this.#counters = next;
    return { scraped: { node, usage, containers }, rates, waiting: next.size - rates };
  }

  #usageOf(key: string, one: Reading, nodeNowMs: number, next: Map<string, Counter>): ScrapedUsage | undefined {
    const { cpuSeconds, workingSetBytes, swapBytes, startMs } = one;
    if (Number.isNaN(cpuSeconds)) return undefined;
    const atMs = Number.isNaN(one.atMs) ? nodeNowMs : one.atMs;
    const counter = { cpuSeconds, atMs, startMs };
    const rate = rateOf(this.#counters.get(key), counter, this.#resolutionMs);
    next.set(key, counter);
    if (rate.kind === 'none' || Number.isNaN(workingSetBytes)) return undefined;
    const windowUs = rate.windowMs * 1000;
    return { ageMs: nodeNowMs - atMs, windowUs, cpuWindowUs: rate.cpuSeconds * 1e6, workingSetBytes, swapBytes };
  }

  #forgetUnlessComparable({ monoMs }: Receipt, nodeWallMs: number): void {
    const elapsedMs = monoMs - this.#takenMonoMs;
    const steppedMs = Math.abs(nodeWallMs - this.#nodeWallMs - elapsedMs);
    if (elapsedMs > MAX_WINDOW_MS || steppedMs > STEP_MS) this.#counters = new Map();
    this.#takenMonoMs = monoMs;
    this.#nodeWallMs = nodeWallMs;
  }
}

function nodeNow({ wallMs }: Receipt, nodeWallMs: number): number {
  const middleMs = nodeWallMs + 500;
  return Math.abs(middleMs - wallMs) > SKEW_MS ? middleMs : wallMs;
}
