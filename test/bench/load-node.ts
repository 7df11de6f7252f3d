// One node of the load: the batches that its agent would cut, with every column, its pods' and slices' rows and a histogram.
// Numbers move from push to push as those of a busy node do; pods that are replaced get new refs.
import type { Batch, ColumnName } from '../../agent/protocol/batch.ts';
import { COLUMNS } from '../../agent/protocol/batch.ts';
import type { Identity } from '../../agent/protocol/identity.ts';
import { realisticBatch, seeded } from '../fixtures/batches/realistic-batch.ts';
import { CONTAINERS, containerId, nodeName, PODS_PER_NODE, podUid } from './cluster-shape.ts';
import type { PodLife } from './cluster-shape.ts';

/** The node and its slices; then each pod with its containers. */
const HOST_ROWS = 5;
const ROWS_PER_POD = 1 + CONTAINERS.length;
const COUNTERS: readonly ColumnName[] = [
  'cpuUsageUs',
  'periods',
  'cpuSomeUs',
  'ioSomeUs',
  'ioReadBytes',
  'ioWriteBytes',
];
const PAGE_BYTES = 4096;
const SHAPE = { pods: PODS_PER_NODE, containersPerPod: CONTAINERS.length, withIdentities: true };
const BOOT_ID = '6f9a3c1e-2b52-4d0e-9a4e-0d7f2f1f7b11';
/** What a container's first second is told with: a window of a second. */
const YOUNG_WINDOW_US = 1_000_000;

export class LoadNode {
  readonly name: string;
  readonly #first: number;
  readonly #base: Batch;
  readonly #random: () => number;
  readonly #identities: Identity[];
  #nextRef: number;
  #readMs = 0;

  constructor(node: number) {
    this.name = nodeName(node);
    this.#first = node * PODS_PER_NODE;
    this.#base = realisticBatch(SHAPE, node + 1);
    this.#random = seeded(node + 7);
    this.#identities = [...this.#base.identities];
    for (let pod = 0; pod < PODS_PER_NODE; pod++) this.#name({ pod: this.#first + pod, incarnation: 0 }, false);
    this.#nextRef = 1 + Math.max(...this.#base.reports.ref);
    this.#readMs = bootMs();
  }

  get identities(): readonly Identity[] {
    return this.#identities;
  }

  /** The pod of this place was made anew. @returns the rows that are new, and the refs that ended */
  replace(life: PodLife): { readonly rows: readonly number[]; readonly gone: readonly number[] } {
    const rows = this.#rowsOf(life);
    const gone = rows.map((row) => this.#identities[row]!.ref);
    this.#name(life, true);
    const { windowUs, cpuWindowUs } = this.#base.reports.values;
    for (const row of rows) {
      cpuWindowUs![row] = (cpuWindowUs![row]! * YOUNG_WINDOW_US) / windowUs![row]!;
      windowUs![row] = YOUNG_WINDOW_US;
    }
    return { rows, gone };
  }

  /** Reads every row anew; the next batches tell of it. */
  read(): void {
    const { values, count } = this.#base.reports;
    const nowMs = bootMs();
    const elapsedMs = nowMs - this.#readMs;
    this.#readMs = nowMs;
    const random = this.#random;
    for (let row = 0; row < count; row++) {
      values.atBootMs![row] = nowMs - random() * 1000;
      const window = Math.min(15_000_000, values.windowUs![row]! + elapsedMs * 1000);
      const millis = Math.max(
        0.05,
        (values.cpuWindowUs![row]! / values.windowUs![row]!) * 1000 * (0.8 + 0.4 * random()),
      );
      values.windowUs![row] = Math.round(window + (random() - 0.5) * 2000);
      values.cpuWindowUs![row] = Math.round((millis * window) / 1000);
      if (random() < 0.7) {
        const step = Math.floor((random() - 0.48) * 200) * PAGE_BYTES;
        for (const name of ['workingSetBytes', 'memoryCurrentBytes', 'anonBytes'] as const)
          values[name]![row] = Math.max(PAGE_BYTES, values[name]![row]! + step);
      }
      values.workingSetPeakBytes![row] = values.workingSetBytes![row]! + Math.floor(random() * 50) * PAGE_BYTES;
      values.cpuPeakMillis![row] = millis * (1 + random());
      for (const name of COUNTERS) values[name]![row]! += Math.floor(elapsedMs * millis * random());
    }
  }

  /** @param rows undefined: all of them, as a regular push has */
  batch(
    epoch: number,
    sequence: number,
    identities: readonly Identity[],
    gone: readonly number[],
    rows?: readonly number[],
  ): Batch {
    const { reports, histogram } = this.#base;
    return {
      node: this.name,
      agentVersion: '0.1.0',
      bootId: BOOT_ID,
      epoch,
      sequence,
      bootTimeMs: bootMs(),
      wallTimeMs: Date.now(),
      identities,
      gone,
      reports: rows === undefined ? reports : only(reports, rows),
      histogram: rows === undefined ? histogram : { ...histogram, row: NONE, bucket: new Uint16Array(), seconds: NONE },
      shortages: [],
    };
  }

  identitiesOf(rows: readonly number[]): readonly Identity[] {
    return rows.map((row) => this.#identities[row]!);
  }

  #rowsOf({ pod }: PodLife): readonly number[] {
    const first = HOST_ROWS + (pod - this.#first) * ROWS_PER_POD;
    return Array.from({ length: ROWS_PER_POD }, (_, at) => first + at);
  }

  #name(life: PodLife, anew: boolean): void {
    const uid = podUid(life);
    const slice = `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice`;
    for (const [at, row] of this.#rowsOf(life).entries()) {
      const id = at === 0 ? '' : containerId(life, at - 1);
      const ref = anew ? this.#nextRef++ : this.#identities[row]!.ref;
      const cgroup = id === '' ? slice : `${slice}/cri-containerd-${id}.scope`;
      const startBootMs = anew ? bootMs() : this.#identities[row]!.startBootMs;
      this.#identities[row] = {
        ref,
        kind: id === '' ? 'pod' : 'container',
        podUid: uid,
        containerId: id,
        cgroup,
        startBootMs,
      };
      this.#base.reports.ref[row] = ref;
    }
  }
}

const NONE = new Uint32Array();

function only({ ref, values }: Batch['reports'], rows: readonly number[]): Batch['reports'] {
  const picked: { [name in ColumnName]?: Float64Array } = {};
  for (const name of COLUMNS) if (values[name]) picked[name] = Float64Array.from(rows, (row) => values[name]![row]!);
  return { count: rows.length, ref: Uint32Array.from(rows, (row) => ref[row]!), values: picked };
}

/** CLOCK_BOOTTIME of these nodes: any monotonic clock will do. */
function bootMs(): number {
  return Math.round(performance.timeOrigin % 1e9) + Math.round(performance.now());
}
