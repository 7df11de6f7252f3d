// What the resizer's tests share: an API server of one pod, and a resizer on it.
import { silentLogger } from '../../agent/runtime/logger.ts';
import { containerOf, LEAK, NODE, patched, POD, wirePod } from '../../test/fixtures/kube/pods.ts';
import type { PatchAnswer, PodAnswer } from '../kube/client.ts';
import type { PodEvent } from '../kube/events.ts';
import type { JsonPatchOp } from '../kube/json-patch.ts';
import type { PodRecord } from '../kube/records.ts';
import type { Observation } from '../store/observation.ts';
import { Resizer } from './resizer.ts';
import type { ResizeMode } from './resizer.ts';
import type { ShortageEvent } from './shortage-event.ts';

/** An API server of one pod, a clock that is set by hand, and what was told. */
export class Bench {
  nowMs = 1000;
  leads = true;
  readMs = 0;
  latest: Observation | undefined;
  stored: PodRecord | undefined = POD;
  readonly patches: (readonly JsonPatchOp[])[] = [];
  readonly counts: string[] = [];
  readonly events: PodEvent[] = [];
  readonly timers: { readonly ms: number; readonly act: () => void }[] = [];
  /** Instead of the API server's own answer, once each. */
  readonly answers: PatchAnswer[] = [];
  /** Runs while a patch is on its way. */
  onPatch: () => void = () => {};
  readonly resizer: Resizer;

  constructor(mode: ResizeMode = 'on') {
    this.resizer = new Resizer({
      mode,
      kube: {
        patchResize: (_key, ops) => Promise.resolve(this.#patch(ops)),
        getPod: () => Promise.resolve(this.#read()),
      },
      leads: () => this.leads,
      node: () => NODE,
      pod: () => this.stored,
      observation: () => this.latest,
      events: { record: (event) => void this.events.push(event) },
      count: (resource, outcome) => void this.counts.push(`${resource} ${outcome}`),
      clock: { bootTimeMs: () => this.nowMs, wallTimeMs: () => 0 },
      log: silentLogger,
      after: (ms, act) => {
        const timer = { ms, act };
        this.timers.push(timer);
        return () => void this.timers.splice(this.timers.indexOf(timer), 1);
      },
    });
  }

  /** @returns what the resizer did */
  short(part: Partial<ShortageEvent> = {}): boolean {
    return this.resizer.onShortage({
      shortage: LEAK,
      pod: POD,
      container: POD.containers[0]!,
      observation: undefined,
      node: 'n1',
      receivedMonoMs: this.nowMs,
      receivedWallMs: 0,
      raisedAgoMs: 12,
      ...part,
    });
  }

  observe(memoryLimitBytes: number): void {
    this.resizer.onObserved(POD.containers[0]!.containerId, { memoryLimitBytes, cpuLimitMillis: 200 } as Observation);
  }

  reasons(): string[] {
    return this.events.map(({ reason }) => reason);
  }

  #patch(ops: readonly JsonPatchOp[]): PatchAnswer {
    this.patches.push(ops);
    this.onPatch();
    const answer = this.answers.shift();
    if (answer) return answer;
    if (!this.stored) return refused(404, 'not found');
    try {
      const after = patched(wirePod(this.stored), ops);
      const { generation } = this.stored;
      this.stored = {
        ...this.stored,
        generation: generation + 1,
        containers: after.containers.map((c) =>
          containerOf({ ...c, running: true, resizable: true, containerId: POD.containers[0]!.containerId }),
        ),
      };
      return { kind: 'accepted', pod: this.stored, readMs: this.readMs };
    } catch {
      return refused(422, 'the server rejected our request due to an error in our request');
    }
  }

  #read(): PodAnswer {
    return this.stored ? { kind: 'found', pod: this.stored } : { kind: 'absent' };
  }
}

export function refused(status: number, message: string): PatchAnswer {
  return { kind: 'refused', status, reason: 'Invalid', message, causes: [] };
}

/** Lets the promises that are ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
