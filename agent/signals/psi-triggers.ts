// PSI triggers (Documentation/accounting/psi.rst): the kernel wakes us within the tick once tasks stalled too long in a window.
// Each costs a kernel thread per cgroup that runs during stalls only: for pods, not for every container.
//
// Never on a cgroup that may be removed meanwhile: in most kernels from 5.2 on, a trigger written while its cgroup is being removed is
// stored in freed memory, and the kernel crashes some time later somewhere else (docs/adr/0010-native-addon.md). So they are not set on
// kernels that are not known to be mended. And since a mend may come half, as it did in 6.1.192, a pod has to have lived for a while and
// to have processes in it right before the write: as long as it has one the kernel refuses to remove it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attempt, Native, PressureTrigger } from '../../native/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { StallResource } from './signal.ts';

/** 64 pods, both resources. */
const MOST_TRIGGERS = 128;
/** Pods of the node that have none yet. */
const MOST_WAITING = 4096;
/** What comes and goes within this time is read each second like the rest. */
const OLD_ENOUGH_MS = 30_000;
/** Pods a call: a trigger takes the kernel up to a millisecond. */
const MOST_LOOKS = 8;
/** "sched/psi: fix race between file release and pressure write", with what it needs. */
const MENDED = { major: 7, minor: 3 } as const;
const UNSAFE =
  `a kernel before Linux ${MENDED.major}.${MENDED.minor} may crash when a PSI trigger meets the removal of its cgroup: ` +
  'stalls are read each second';
const RESOURCES: readonly StallResource[] = ['memory', 'cpu'];

/** Shortest first. Under 500 ms needs Linux 6.5; without CAP_SYS_RESOURCE only multiples of 2 s are allowed, which wake 2 s late. */
const WINDOWS: readonly { readonly kind: 'some'; readonly stallUs: number; readonly windowUs: number }[] = [
  { kind: 'some', stallUs: 20_000, windowUs: 100_000 },
  { kind: 'some', stallUs: 50_000, windowUs: 500_000 },
  { kind: 'some', stallUs: 100_000, windowUs: 2_000_000 },
];

export interface PsiTriggersParts {
  readonly native: Attempt<Pick<Native, 'openPressure'>>;
  /** A cgroup2 directory that stays as long as the agent: tells at once whether triggers can be had here, and with which window. */
  readonly root: string;
  /** As uname has it: 7.3.4-cloud-amd64. */
  readonly kernel: string;
  readonly clock: Pick<Clock, 'bootTimeMs'>;
  readonly onStall: (directory: string, resource: StallResource) => void;
}

export class PsiTriggers {
  readonly #parts: PsiTriggersParts;
  readonly #triggers = new Map<string, PressureTrigger[]>();
  /** Directories and when each is looked at next, in that order. */
  readonly #waiting = new Map<string, number>();
  #probed = false;
  #window = 0;
  #open = 0;
  #cause = '';

  constructor(parts: PsiTriggersParts) {
    this.#parts = parts;
    if (parts.native.kind === 'missing') this.#cause = `${parts.native.cause}: ${parts.native.cure}`;
    else if (!isMended(parts.kernel)) this.#cause = UNSAFE;
  }

  /** Why there are none, or not for every cgroup; '' otherwise. */
  get cause(): string {
    return this.#cause;
  }

  /** Of the triggers that are set: the one in use, or the first that will be tried. */
  get windowMs(): number {
    return WINDOWS[this.#window]!.windowUs / 1000;
  }

  get size(): number {
    return this.#open;
  }

  /** It gets its triggers later, by `settle`. @param directory of a pod's cgroup on a cgroup2 mount */
  add(directory: string): void {
    if (this.#parts.native.kind === 'missing' || !isMended(this.#parts.kernel)) return;
    if (this.#triggers.has(directory)) return;
    this.#probe();
    if (this.#waiting.size < MOST_WAITING) this.#wait(directory);
  }

  /** Sets the triggers of pods that are old enough for it. To be called each second. */
  settle(): void {
    const nowMs = this.#parts.clock.bootTimeMs();
    let looks = MOST_LOOKS;
    for (const [directory, dueMs] of this.#waiting) {
      if (dueMs > nowMs || looks-- === 0) return;
      this.#waiting.delete(directory);
      if (this.#open + RESOURCES.length > MOST_TRIGGERS) {
        this.#cause = `more than ${MOST_TRIGGERS} triggers: the rest is read each second`;
        this.#wait(directory);
      } else if (hasProcesses(directory)) this.#open += this.#setAll(directory);
      else this.#wait(directory);
    }
  }

  remove(directory: string): void {
    this.#waiting.delete(directory);
    const triggers = this.#triggers.get(directory) ?? [];
    for (const trigger of triggers) trigger.close();
    this.#open -= triggers.length;
    this.#triggers.delete(directory);
  }

  close(): void {
    this.#waiting.clear();
    for (const directory of this.#triggers.keys()) this.remove(directory);
  }

  #wait(directory: string): void {
    this.#waiting.set(directory, this.#parts.clock.bootTimeMs() + OLD_ENOUGH_MS);
  }

  #probe(): void {
    if (this.#probed) return;
    this.#probed = true;
    this.#set(this.#parts.root, 'memory')?.close();
  }

  /** @returns how many */
  #setAll(directory: string): number {
    const triggers = RESOURCES.flatMap((resource) =>
      hasProcesses(directory) ? (this.#set(directory, resource) ?? []) : [],
    );
    if (triggers.length > 0) this.#triggers.set(directory, triggers);
    return triggers.length;
  }

  /** The shortest window that the kernel takes; what it refused once it is not asked again. */
  #set(directory: string, resource: StallResource): PressureTrigger | undefined {
    const { native, onStall } = this.#parts;
    if (native.kind === 'missing') return undefined;
    const file = join(directory, `${resource}.pressure`);
    for (let index = this.#window; index < WINDOWS.length; index++) {
      const opened = native.value.openPressure(file, WINDOWS[index]!, (kind) => {
        if (kind === 'fired') onStall(directory, resource);
      });
      if (opened.kind === 'ready') {
        this.#window = index;
        this.#cause = '';
        return opened.value;
      }
      this.#cause = `${opened.cause}: ${opened.cure}`;
    }
    return undefined;
  }
}

/** In it or below it (cgroup.events). A cgroup with a process can't be removed. */
function hasProcesses(directory: string): boolean {
  try {
    return /^populated 1$/m.test(readFileSync(join(directory, 'cgroup.events'), 'latin1'));
  } catch {
    return false;
  }
}

/** @param kernel as uname has it */
export function isMended(kernel: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  return Number(major) > MENDED.major || (Number(major) === MENDED.major && Number(minor) >= MENDED.minor);
}
