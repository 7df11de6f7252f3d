// Age of every point at every time it is given out. A list gives out tens of thousands at once, and prom-client's own histogram
// takes longer for them than the list itself: this one counts into a typed array and becomes Prometheus' form when scraped.
// Buckets are metrics-server's: 20, from 1 s, each 1.364 times the one before.

const BOUNDS_SECONDS = Float64Array.from({ length: 20 }, (_, at) => 1.364 ** at);
/** Ages by tenths of a second up to the last bound: one look-up a point instead of a search. */
const STEP_MS = 100;
const STEPS = Math.ceil((BOUNDS_SECONDS.at(-1)! * 1000) / STEP_MS) + 1;
/** First bucket that the whole step fits in; the bounds but the first lie inside steps, so an age may be counted 0.1 s too old. */
const BUCKET_OF_STEP = Uint8Array.from({ length: STEPS }, (_, step) => bucketOf(((step + 1) * STEP_MS) / 1000));

interface Value {
  readonly metricName: string;
  readonly labels: { readonly le?: number | string };
  readonly value: number;
}

/** A metric as prom-client's registry takes it. */
export class FreshnessHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly collect = undefined;
  #counts = new Float64Array(BOUNDS_SECONDS.length + 1);
  #sumSeconds = 0;

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }

  /** @param instants when points were read, Unix ms each; one that is later than `nowWallMs` counts as new */
  observe(instants: Float64Array, nowWallMs: number): void {
    const counts = this.#counts;
    let sumMs = 0;
    for (const atWallMs of instants) {
      const ageMs = atWallMs < nowWallMs ? nowWallMs - atWallMs : 0;
      sumMs += ageMs;
      // An age on a step's upper edge belongs to the step: buckets include their bound.
      const step = ageMs === 0 ? 0 : Math.ceil(ageMs / STEP_MS) - 1;
      counts[step < STEPS ? BUCKET_OF_STEP[step]! : BOUNDS_SECONDS.length]!++;
    }
    this.#sumSeconds += sumMs / 1000;
  }

  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values: this.#values() });
  }

  reset(): void {
    this.#counts = new Float64Array(BOUNDS_SECONDS.length + 1);
    this.#sumSeconds = 0;
  }

  #values(): Value[] {
    const values: Value[] = [];
    let count = 0;
    for (let bucket = 0; bucket <= BOUNDS_SECONDS.length; bucket++) {
      count += this.#counts[bucket]!;
      const le = BOUNDS_SECONDS[bucket] ?? '+Inf';
      values.push({ metricName: `${this.name}_bucket`, labels: { le }, value: count });
    }
    values.push({ metricName: `${this.name}_sum`, labels: {}, value: this.#sumSeconds });
    values.push({ metricName: `${this.name}_count`, labels: {}, value: count });
    return values;
  }
}

function bucketOf(seconds: number): number {
  const found = BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
  return found === -1 ? BOUNDS_SECONDS.length : found;
}
