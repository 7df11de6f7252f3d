// What a shortage rests on, joined from whatever there is: sampled counters, memory.events, PSI, eBPF. Figures by name; a figure that
// is not there was not known, or was not needed.
import type { Shortage } from '../protocol/shortage.ts';

export interface Evidence {
  /** What the kernel itself said a moment ago: memory near the limit before it is met (BPF), or that it looks for a victim. */
  readonly said?: KernelWord;
  /** Of what can't be reclaimed. */
  readonly growthBytesPerS?: number;
  /** How often memory.max was met since the reading before (memory.events). */
  readonly limitEvents?: number;
  /** Of the time in which some task waited for memory (PSI). */
  readonly stallShare?: number;
  /** Page cache that was taken away and missed at once. */
  readonly hotRefaultsPerS?: number;
  readonly throttledShare?: number;
  /** Of the time in which a task waited for a CPU; may be over 1 with several tasks. */
  readonly waitShare?: number;
  /** Of these waits what throttling does not explain: others use the CPUs. */
  readonly crowdedShare?: number;
}

export type KernelWord = 'alarm' | 'oom';

/** A shortage of one container, without its row. */
export interface Judged extends Omit<Shortage, 'ref'> {
  readonly evidence: Evidence;
}

export interface RaisedShortage extends Shortage {
  readonly evidence: Evidence;
}
