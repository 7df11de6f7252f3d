// Reads the node: each row once a second in the burst its place gives it, rows near their limit ten times, new containers when they
// are 1 s and 2 s old. A shortage is handed over in the next step, early reports and changed limits at the slot's end.
import { pressureDue, rowDue, slowDue, withinReach } from './cadence.ts';
import { neededMemoryBytes } from './cgroup/sample.ts';
import type { Clock } from './runtime/clock.ts';
import type { Roster } from './store/roster.ts';
import { EARLY_AGES_MS } from './store/row.ts';
import type { Row } from './store/row.ts';
import type { KernelWord, RaisedShortage } from './shortage/evidence.ts';
import { isShort, judgeShortage } from './shortage/shortage.ts';
import type { ShortageReading } from './shortage/shortage.ts';
import type { MemoryThresholds } from './shortage/memory-shortage.ts';
import { SLOTS } from './tick.ts';
import type { TickFigures, TickWork } from './tick.ts';

/** A second's reading is done in so many bursts: more of them are spread better, fewer find the caches warm. */
const BURSTS = 2;
/** So few rows, a millisecond or so, are read in one; with a distance, so that a row that comes and goes does not move the others. */
const ONE_BURST_ROWS = 64;
const TWO_BURSTS_ROWS = 96;
/** Rows under close watch at a time: 64 × 10 Hz cost less than 0.5 % of a core. */
const MAX_WATCHED = 64;
/** A row stays under watch this long after it was last near its limit or growing towards it. */
const WATCH_MS = 5000;
/** A container far from its limit that was read so lately need not be read again for a memory.events of its. */
const JUST_READ_MS = 50;
/** Of its limit: what holds less can't have met it. Then memory.events speaks of another limit, which may be new. */
const MET_SHARE = 0.9;
/** A limit that changes this soon after a shortage is the answer to it: it is reported at once. */
const ANSWER_MS = 60_000;

/** `tick`: it is looked at meanwhile; `soon`: nobody does; `later`: nobody does, and it is far from its limit. */
export type Attended = 'tick' | 'soon' | 'later';

export interface SlotFindings {
  readonly shortages: readonly RaisedShortage[];
  /** Those of them that were not said of the container a moment ago: what a log is for. */
  readonly begun: readonly RaisedShortage[];
  /** Rows to report at once. */
  readonly rows: ReadonlySet<Row>;
  /** Those of them that every replica should have soon: first figures, and those whose shortage begins. */
  readonly forAll: ReadonlySet<Row>;
}

export interface SamplerParts {
  readonly clock: Clock;
  readonly roster: Roster;
  readonly thresholds: MemoryThresholds;
  /** Called when a slot found something that can't wait for the next push. */
  readonly onFindings: (findings: SlotFindings) => void;
  readonly onTick: (figures: TickFigures) => void;
  /** There are rows to read between two bursts: Tick.wake. */
  readonly onExtraWork: () => void;
}

export class Sampler implements TickWork {
  readonly #parts: SamplerParts;
  #tick = 0;
  #rows: readonly Row[] = [];
  #next = 0;
  #bursts = BURSTS;
  #queue: { readonly row: Row; readonly act: (row: Row) => void }[] | undefined;
  readonly #watched = new Set<Row>();
  readonly #young = new Set<Row>();
  readonly #shortUntil = new Map<Row, number>();
  #shortages: RaisedShortage[] = [];
  #begun: RaisedShortage[] = [];
  #urgentRows = new Set<Row>();
  #forAll = new Set<Row>();
  #readProblems = 0;
  #ticksDone = 0;

  constructor(parts: SamplerParts) {
    this.#parts = parts;
  }

  /** Whole ticks done; readiness is the first. */
  get ticksDone(): number {
    return this.#ticksDone;
  }

  get readProblems(): number {
    return this.#readProblems;
  }

  get watched(): number {
    return this.#watched.size;
  }

  /** A row that discovery found after the start. Pods and slices wait for their turn: nobody waits for them. */
  welcome(row: Row): void {
    if (row.identity.kind !== 'container') return;
    this.#young.add(row);
    this.#parts.onExtraWork();
  }

  /**
   * The kernel spoke of this row: it is read, judged and reported now, and watched closely from now on. Page cache alone makes a limit
   * speak without end: whoever needs far less of it is not watched, and heard again a while later.
   * @param said what, if more than "look" @returns when it should be heard of again
   */
  attend(row: Row, said?: KernelWord): Attended {
    if (!this.#alive(row) || row.identity.kind !== 'container') return 'tick'; // nothing to be heard of
    const { sample } = row;
    const ageMs = this.#parts.clock.bootTimeMs() - sample.atBootMs;
    const unmet = !(sample.memoryCurrentBytes >= sample.memoryLimitBytes * MET_SHARE);
    if (unmet) row.files.readLimits(sample);
    if (said !== undefined || unmet || !(ageMs < JUST_READ_MS) || isNear(row)) this.#readAgain(row, said);
    const closely = said !== undefined || isNear(row);
    if (closely) this.#watchUntil(row, this.#parts.clock.bootTimeMs() + WATCH_MS);
    this.#tell();
    if (!closely) return 'later';
    return this.#watched.has(row) ? 'tick' : 'soon';
  }

  begin(tick: number): void {
    this.#tick = tick;
    this.#rows = this.#parts.roster.rows();
    this.#next = 0;
    if (this.#rows.length <= ONE_BURST_ROWS) this.#bursts = 1;
    else if (this.#rows.length >= TWO_BURSTS_ROWS) this.#bursts = BURSTS;
  }

  wants(slot: number): boolean {
    return slot % (SLOTS / this.#bursts) === 0 || this.#young.size > 0 || this.#watched.size > 0;
  }

  step(slot: number): boolean {
    if (this.#shortages.length > 0) {
      // A step of its own: the push is on its way before the rest of the burst is read.
      this.#tell();
      return true;
    }
    this.#queue ??= this.#extraWork();
    const extra = this.#queue.pop();
    if (extra) {
      extra.act(extra.row);
      return true;
    }
    const burst = Math.floor((slot * this.#bursts) / SLOTS) + 1;
    if (this.#next >= Math.ceil((this.#rows.length * burst) / this.#bursts)) return false;
    const row = this.#rows[this.#next++];
    if (row && rowDue(row.identity, this.#tick) && this.#alive(row) && !this.#young.has(row)) this.#sample(row);
    return true;
  }

  endSlot(): void {
    this.#queue = undefined;
    this.#tell();
  }

  #tell(): void {
    if (this.#shortages.length === 0 && this.#urgentRows.size === 0) return;
    const findings = {
      shortages: this.#shortages,
      begun: this.#begun,
      rows: this.#urgentRows,
      forAll: this.#forAll,
    };
    this.#shortages = [];
    this.#begun = [];
    this.#urgentRows = new Set();
    this.#forAll = new Set();
    this.#parts.onFindings(findings);
  }

  end(figures: TickFigures): void {
    this.#ticksDone++;
    for (const row of this.#shortUntil.keys()) if (!this.#alive(row)) this.#shortUntil.delete(row);
    this.#parts.onTick(figures);
  }

  /** Rows that a slot looks at beside its share: the young when they are due, the watched at 10 Hz. */
  #extraWork(): { row: Row; act: (row: Row) => void }[] {
    const nowMs = this.#parts.clock.bootTimeMs();
    const work: { row: Row; act: (row: Row) => void }[] = [];
    for (const row of this.#young) {
      if (!this.#alive(row)) this.#young.delete(row);
      else if (nowMs - row.sinceBootMs >= (EARLY_AGES_MS[row.earlyDone] ?? 0))
        work.push({ row, act: this.#sampleYoung });
    }
    for (const row of this.#watched) {
      if (this.#alive(row) && nowMs < row.watchedUntilBootMs) work.push({ row, act: this.#watch });
      else this.#watched.delete(row);
    }
    return work;
  }

  readonly #sampleYoung = (row: Row): void => {
    this.#sample(row);
    row.earlyDone++;
    this.#urgentRows.add(row);
    this.#forAll.add(row);
    if (row.earlyDone >= EARLY_AGES_MS.length) this.#young.delete(row);
  };

  /** Between two ticks: memory, and the limits that a resize may have moved; nothing for the ring. */
  readonly #watch = (row: Row): void => this.#readAgain(row);

  #readAgain(row: Row, said?: KernelWord): void {
    // Numbers of before the kernel's word, or of the last look, would answer neither.
    if (!this.#read(row, true)) return;
    row.refreshMemoryStat();
    if (this.#shortUntil.has(row)) row.files.readLimits(row.sample);
    row.noteWorkingSet();
    this.#judge(row, said);
  }

  #sample(row: Row): void {
    if (!this.#read(row)) return;
    if (!row.slowRead || slowDue(row.identity, this.#tick)) {
      row.readSlow(this.#machineStallsUs());
    } else {
      row.refreshMemoryStat();
      if (this.#shortUntil.has(row) || this.#watched.has(row)) row.files.readLimits(row.sample);
      if (pressureDue(row.identity, row.cpuMillis, row.stalled)) row.readPressure();
    }
    row.record();
    this.#judge(row);
    this.#watchIfNear(row);
  }

  /** The node's own row comes first in each tick. */
  #machineStallsUs(): number {
    const node = this.#rows[0];
    return node?.identity.kind === 'node' ? node.sample.memorySomeUs + node.sample.ioSomeUs : NaN;
  }

  /** @returns false when the cgroup is gone */
  #read(row: Row, now = false): boolean {
    const outcome = row.readFast(this.#parts.clock.bootTimeMs(), now);
    if (outcome === 'partial') this.#readProblems++;
    if (outcome === 'gone') this.#parts.roster.remove(row.identity.cgroup);
    return outcome !== 'gone';
  }

  #judge(row: Row, said?: KernelWord): void {
    const { sample, identity } = row;
    if (identity.kind !== 'container') return;
    const { memoryLimitBytes } = sample;
    const cpuLimitMillis = (sample.cpuQuotaUs / sample.cpuPeriodUs) * 1000;
    this.#noteAnswer(row, memoryLimitBytes, cpuLimitMillis);
    if (!(memoryLimitBytes < Infinity || cpuLimitMillis < Infinity)) return;
    const { state, shortages } = judgeShortage(
      row.shortage,
      readingOf(row, cpuLimitMillis),
      this.#parts.thresholds,
      said,
    );
    const lasts = isShort(row.shortage);
    row.shortage = state;
    if (isShort(state)) this.#shortUntil.set(row, sample.atBootMs + ANSWER_MS);
    if (shortages.length === 0) return;
    const raised = shortages.map((shortage) => ({ ref: identity.ref, ...shortage }));
    this.#shortages.push(...raised);
    if (!lasts) {
      this.#begun.push(...raised);
      this.#forAll.add(row);
    }
    this.#urgentRows.add(row);
    this.#watchUntil(row, sample.atBootMs + WATCH_MS); // the answer is then seen within a slot
  }

  /** A limit that moved after a shortage shows the aggregator what became of its resize. */
  #noteAnswer(row: Row, memoryLimitBytes: number, cpuLimitMillis: number): void {
    const changed = differs(memoryLimitBytes, row.memoryLimitBytes) || differs(cpuLimitMillis, row.cpuLimitMillis);
    row.memoryLimitBytes = memoryLimitBytes;
    row.cpuLimitMillis = cpuLimitMillis;
    const until = this.#shortUntil.get(row);
    if (until === undefined) return;
    if (changed) this.#urgentRows.add(row);
    if (row.sample.atBootMs > until) this.#shortUntil.delete(row);
  }

  #watchIfNear(row: Row): void {
    const { memoryLimitBytes } = row.sample;
    if (row.identity.kind !== 'container' || !(memoryLimitBytes < Infinity)) return;
    if (!withinReach(row.sample, row.needGrowth())) return;
    this.#watchUntil(row, row.sample.atBootMs + WATCH_MS);
  }

  #watchUntil(row: Row, untilBootMs: number): void {
    row.watchedUntilBootMs = untilBootMs;
    if (this.#watched.size >= MAX_WATCHED) return;
    this.#watched.add(row);
    this.#parts.onExtraWork();
  }

  #alive(row: Row): boolean {
    return this.#parts.roster.get(row.identity.ref) === row;
  }
}

function readingOf({ sample, identity }: Row, cpuLimitMillis: number): ShortageReading {
  return {
    atBootMs: sample.atBootMs,
    ageMs: sample.atBootMs - identity.startBootMs,
    needBytes: neededMemoryBytes(sample),
    memoryCurrentBytes: sample.memoryCurrentBytes,
    memoryLimitBytes: sample.memoryLimitBytes,
    eventsHigh: sample.eventsHigh,
    eventsMax: sample.eventsMax,
    memorySomeUs: sample.memorySomeUs,
    hotRefaultsFile: sample.hotRefaultsFile,
    cpuUsageUs: sample.cpuUsageUs,
    periods: sample.periods,
    throttledPeriods: sample.throttledPeriods,
    throttledUs: sample.throttledUs,
    waitMs: sample.waitMs,
    cpuLimitMillis,
  };
}

/** Whether what the files say of its memory calls for the close watch; so does a limit that was not read yet. */
function isNear(row: Row): boolean {
  const { sample } = row;
  return (
    isShort(row.shortage) ||
    Number.isNaN(sample.memoryLimitBytes) ||
    withinReach(sample, row.needGrowth()) ||
    withinReach(sample, row.needGrowthSinceTick())
  );
}

function differs(now: number, before: number): boolean {
  return now !== before && !Number.isNaN(before) && !Number.isNaN(now);
}
