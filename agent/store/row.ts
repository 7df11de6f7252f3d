// What the agent keeps of one cgroup while it lives: kept-open files, the newest reading, the ring, peaks and judged state.
import { markMemory, memoryMoved, neverRead } from '../cadence.ts';
import { emptySample, neededMemoryBytes, workingSetBytes } from '../cgroup/sample.ts';
import type { Sample } from '../cgroup/sample.ts';
import { PeakTally } from './peak-tally.ts';
import type { Identity } from '../protocol/identity.ts';
import type { RowName } from '../protocol/reply.ts';
import { RING_SLOTS, Ring, SUM_RING_SLOTS } from './ring.ts';
import { CALM } from '../shortage/shortage.ts';
import type { ShortageState } from '../shortage/shortage.ts';

/** The kernel files of one row: agent/cgroup/cgroup-files.ts, or agent/node/node-files.ts behind the same shape. */
export interface RowFiles {
  /** @param now the files themselves, not what was found of them in the last second */
  readFast(sample: Sample, atBootMs: number, now?: boolean): 'ok' | 'partial' | 'gone';
  readPressure(sample: Sample): unknown;
  /** What moves while nothing in the cgroup runs. @param calm nothing on the machine stalled for memory or I/O since the last call */
  readStill(sample: Sample, calm?: boolean): unknown;
  readSlow(sample: Sample): unknown;
  readLimits(sample: Sample): unknown;
  readMemoryStat(sample: Sample): unknown;
  close(): void;
}

/** Early reports still to come: a new container is sampled and reported when it is 1 s and 2 s old. */
export const EARLY_AGES_MS: readonly number[] = [1000, 2000];

/** A "1 s" figure is taken over at least this long: a reading between two ticks is no second. */
const LEAST_SECOND_MS = 750;

export class Row {
  readonly identity: Identity;
  readonly files: RowFiles;
  readonly sample: Sample = emptySample();
  readonly ring: Ring;
  /** By the roster's tally slots, one an aggregator; undefined: nobody has the slot. */
  readonly tallies: (PeakTally | undefined)[] = [];
  /** What a push in flight to that aggregator took out of `tallies`; undefined: none in flight. */
  readonly taken: (PeakTally | undefined)[] = [];
  /** From a push reply. */
  name: RowName | undefined;
  /** Instant that early ages are counted from, CLOCK_BOOTTIME in ms. */
  readonly sinceBootMs: number;
  /** How many of EARLY_AGES_MS are done. */
  earlyDone: number;
  shortage: ShortageState = CALM;
  /** Last second's CPU, millicores; NaN before the first second. */
  cpuMillis = NaN;
  /** Whether the slow files were read at least once. */
  slowRead = false;
  /** CPU time or memory moved since all slow files were read. */
  #moved = true;
  /** What the whole machine had stalled for memory and I/O when the pressure files were read with the slow ones; NaN: not known. */
  #machineStallsUs = NaN;
  /** Whether the pressure totals moved between their last two readings. */
  stalled = false;
  watchedUntilBootMs = -Infinity;
  /** Limits of the reading before, to notice that one changed. */
  memoryLimitBytes = NaN;
  cpuLimitMillis = NaN;
  readonly #mark = neverRead();
  #secondBootMs = NaN;
  #secondCpuUs = NaN;
  #lastCpuUs = NaN;

  constructor(identity: Identity, files: RowFiles, sinceBootMs: number, tallySlots: Iterable<number>, early: boolean) {
    this.identity = identity;
    this.files = files;
    this.ring = new Ring(identity.kind === 'pod' || identity.kind === 'slice' ? SUM_RING_SLOTS : RING_SLOTS);
    this.sinceBootMs = sinceBootMs;
    this.earlyDone = early ? 0 : EARLY_AGES_MS.length;
    for (const slot of tallySlots) this.openTally(slot);
  }

  openTally(slot: number): void {
    this.tallies[slot] = new PeakTally();
    this.taken[slot] = undefined;
  }

  closeTally(slot: number): void {
    this.tallies[slot] = undefined;
    this.taken[slot] = undefined;
  }

  /** The counters were 0 at `atBootMs`: the series begins there, so that usage is known a second after birth. */
  beginAtBirth(atBootMs: number): void {
    this.ring.writeBirth(atBootMs);
    this.#secondBootMs = atBootMs;
    this.#secondCpuUs = 0;
  }

  readFast(atBootMs: number, now = false): ReturnType<RowFiles['readFast']> {
    const { sample } = this;
    const { cpuUsageUs, memoryCurrentBytes } = sample;
    const outcome = this.files.readFast(sample, atBootMs, now);
    // NaN differs too
    this.#moved ||= sample.cpuUsageUs !== cpuUsageUs || sample.memoryCurrentBytes !== memoryCurrentBytes;
    return outcome;
  }

  /**
   * The slow files' turn: all of them, or of a cgroup that stood still since only what moves all the same.
   * @param machineStallsUs from the machine's pressure files, not older than a second: only a task that ran can have stalled since
   */
  readSlow(machineStallsUs: number): void {
    const { sample, files } = this;
    if (this.#moved) {
      files.readSlow(sample);
      this.readPressure();
    } else {
      const before = stallsUs(sample);
      files.readStill(sample, machineStallsUs === this.#machineStallsUs);
      this.stalled = stallsUs(sample) > before;
    }
    this.#moved = false;
    this.slowRead = true;
    this.#machineStallsUs = machineStallsUs;
    markMemory(this.#mark, sample);
  }

  /** Reads memory.stat when memory moved since it was last read. */
  refreshMemoryStat(): boolean {
    if (!memoryMoved(this.sample, this.#mark)) return false;
    this.files.readMemoryStat(this.sample);
    markMemory(this.#mark, this.sample);
    return true;
  }

  readPressure(): void {
    const { sample } = this;
    const before = stallsUs(sample);
    this.files.readPressure(sample);
    this.stalled = stallsUs(sample) > before;
  }

  /** Writes the newest reading into the ring and the tallies. A counter that went back starts the series anew. */
  record(): void {
    const { sample, ring } = this;
    if (sample.cpuUsageUs < this.#lastCpuUs || sample.atBootMs < ring.atBootMs(0)) {
      ring.clear();
      this.#secondBootMs = NaN;
      this.shortage = CALM;
    }
    if (!Number.isNaN(sample.cpuUsageUs)) this.#lastCpuUs = sample.cpuUsageUs;
    ring.write(sample);
    this.#noteSecond();
    this.noteWorkingSet();
  }

  /** Also between two ticks, for rows under close watch. */
  noteWorkingSet(): void {
    const bytes = workingSetBytes(this.sample);
    for (const tally of this.tallies) tally?.noteWorkingSet(bytes);
  }

  /** Growth of need between the last two ticks, bytes per second; NaN before there are two. */
  needGrowth(): number {
    const { ring } = this;
    const grownBytes = ring.neededMemoryBytes(0) - ring.neededMemoryBytes(1);
    return (grownBytes / (ring.atBootMs(0) - ring.atBootMs(1))) * 1000;
  }

  /** The same from the newest tick to the newest reading; NaN where they are one. */
  needGrowthSinceTick(): number {
    const { ring, sample } = this;
    return ((neededMemoryBytes(sample) - ring.neededMemoryBytes(0)) / (sample.atBootMs - ring.atBootMs(0))) * 1000;
  }

  #noteSecond(): void {
    const { atBootMs, cpuUsageUs } = this.sample;
    if (Number.isNaN(cpuUsageUs)) return;
    const stretchMs = atBootMs - this.#secondBootMs; // NaN: the series begins here
    if (stretchMs < LEAST_SECOND_MS) return;
    if (stretchMs >= LEAST_SECOND_MS) {
      this.cpuMillis = (cpuUsageUs - this.#secondCpuUs) / stretchMs; // µs per ms
      const inHistogram = this.identity.kind === 'container';
      for (const tally of this.tallies) tally?.noteCpu(this.cpuMillis, stretchMs, inHistogram);
    }
    this.#secondBootMs = atBootMs;
    this.#secondCpuUs = cpuUsageUs;
  }
}

/** NaN while any of them was not read. */
function stallsUs(sample: Sample): number {
  return sample.cpuSomeUs + sample.memorySomeUs + sample.ioSomeUs;
}
