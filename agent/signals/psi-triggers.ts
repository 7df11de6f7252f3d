// PSI triggers (Documentation/accounting/psi.rst): the kernel wakes us within the tick once tasks stalled too long in a window.
// Each costs a kernel thread per cgroup that runs during stalls only: for pods, not for every container.
import { join } from 'node:path';
import type { Attempt, Native, PressureTrigger } from '../../native/index.ts';
import type { StallResource } from './signal.ts';

/** 64 pods, both resources. */
const MOST_TRIGGERS = 128;
const RESOURCES: readonly StallResource[] = ['memory', 'cpu'];

/** Shortest first. Under 500 ms needs Linux 6.5; without CAP_SYS_RESOURCE only multiples of 2 s are allowed, which wake 2 s late. */
const WINDOWS: readonly { readonly kind: 'some'; readonly stallUs: number; readonly windowUs: number }[] = [
  { kind: 'some', stallUs: 20_000, windowUs: 100_000 },
  { kind: 'some', stallUs: 50_000, windowUs: 500_000 },
  { kind: 'some', stallUs: 100_000, windowUs: 2_000_000 },
];

export class PsiTriggers {
  readonly #native: Attempt<Pick<Native, 'openPressure'>>;
  readonly #onStall: (directory: string, resource: StallResource) => void;
  readonly #triggers = new Map<string, PressureTrigger[]>();
  #window = 0;
  #open = 0;
  #cause = '';

  constructor(
    native: Attempt<Pick<Native, 'openPressure'>>,
    onStall: (directory: string, resource: StallResource) => void,
  ) {
    this.#native = native;
    this.#onStall = onStall;
    if (native.kind === 'missing') this.#cause = `${native.cause}: ${native.cure}`;
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

  /** @param directory of a pod's cgroup on a cgroup2 mount */
  add(directory: string): void {
    if (this.#native.kind === 'missing' || this.#triggers.has(directory)) return;
    if (this.#open + RESOURCES.length > MOST_TRIGGERS) {
      this.#cause = `more than ${MOST_TRIGGERS} triggers: the rest is read each second`;
      return;
    }
    const triggers = RESOURCES.flatMap((resource) => this.#set(this.#native, directory, resource) ?? []);
    if (triggers.length === 0) return;
    this.#open += triggers.length;
    this.#triggers.set(directory, triggers);
  }

  remove(directory: string): void {
    const triggers = this.#triggers.get(directory) ?? [];
    for (const trigger of triggers) trigger.close();
    this.#open -= triggers.length;
    this.#triggers.delete(directory);
  }

  close(): void {
    for (const directory of this.#triggers.keys()) this.remove(directory);
  }

  /** The shortest window that the kernel takes; what it refused once it is not asked again. */
  #set(
    native: Attempt<Pick<Native, 'openPressure'>>,
    directory: string,
    resource: StallResource,
  ): PressureTrigger | undefined {
    if (native.kind === 'missing') return undefined;
    const file = join(directory, `${resource}.pressure`);
    for (let index = this.#window; index < WINDOWS.length; index++) {
      const opened = native.value.openPressure(file, WINDOWS[index]!, (kind) => {
        if (kind === 'fired') this.#onStall(directory, resource);
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
