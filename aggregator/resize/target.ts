// How far one step goes: big enough to last, so that a container in need is not patched again a second later.
import type { Shortage } from '../../agent/protocol/shortage.ts';
import type { Observation } from '../store/observation.ts';

const MIB = 1024 * 1024;
/** A growth is given no more than so long, and so much where its agent does not say how long it goes on. */
const MOST_LASTING_S = 60;
/** As far ahead as a shortage begins; an agent goes on saying what is farther for a while. */
const SHORT_S = 10;
const MEMORY_FACTOR = 1.5;
/** Under the share from which an agent calls slow growth a shortage. */
const NEAR_SHARE = 0.8;
const CPU_STEP_MILLIS = 10;
const CPU_FACTOR = 2;
const CPU_MARGIN = 1.5;
/** A higher share says only "much more than this". */
const MOST_THROTTLED = 0.9;

/** What the container can't do without now, bytes or millicores; never less than either source says. */
export function needOf(shortage: Shortage, observation: Observation | undefined): number {
  const observed =
    shortage.resource === 'memory'
      ? (observation?.memoryCurrentBytes ?? 0) - (observation?.fileBytes ?? 0)
      : (observation?.cpuMillis ?? 0);
  return Math.max(positive(shortage.need), positive(observed));
}

/** Whether memory is short of `limit`, the spec's: the agent may have judged it against another one. */
export function isShortOf(shortage: Shortage, need: number, limit: number): boolean {
  return (
    shortage.resource !== 'memory' || need >= limit * NEAR_SHARE || need + positive(shortage.rate) * SHORT_S >= limit
  );
}

/** Wanted limit before any bound. Memory in whole MiB, cpu in whole 10 m. @param limit the spec's */
export function wantedLimit(shortage: Shortage, need: number, limit: number): number {
  const rate = positive(shortage.rate);
  if (shortage.resource === 'memory') {
    const lastingS = Math.min(MOST_LASTING_S, positive(shortage.secondsOfGrowth ?? MOST_LASTING_S));
    return roundUp(Math.max(need + rate * lastingS, limit * MEMORY_FACTOR), MIB);
  }
  const unthrottled = (need / (1 - Math.min(rate, MOST_THROTTLED))) * CPU_MARGIN;
  return roundUp(Math.max(unthrottled, limit * CPU_FACTOR), CPU_STEP_MILLIS);
}

function roundUp(amount: number, step: number): number {
  return Math.ceil(amount / step) * step;
}

/** 0 for what was not read or makes no sense. */
function positive(amount: number): number {
  return Number.isFinite(amount) && amount > 0 ? amount : 0;
}
