// The charts of the chosen container: CPU, memory against the limit, pressure. Signals are marks on all of them.
import uPlot from 'uplot';
import { make } from './answers.ts';
import type { DebugRow, Series, SignalEntry } from './answers.ts';
import { bytes, millis, share } from './format.ts';

const HEIGHT_PX = 150;
const MOST_SLOTS = 900;
/** A chart shows at least so much time, s. */
const LEAST_SPAN_S = 60;

type Line = { readonly label: string; readonly colour: string; readonly of: LineSource };
type LineSource = keyof Series['columns'] | 'cpuLimitMillis' | 'memoryLimitBytes';

interface Chart {
  readonly title: string;
  readonly text: (value: number | null) => string;
  /** Steps of the axis that read well; undefined: decimal ones. */
  readonly steps?: number[];
  readonly lines: readonly Line[];
}

const CHARTS: readonly Chart[] = [
  {
    title: 'CPU',
    text: millis,
    lines: [
      { label: 'used', colour: '--one', of: 'cpuMillis' },
      { label: 'limit', colour: '--limit', of: 'cpuLimitMillis' },
    ],
  },
  {
    title: 'CPU throttled and waiting',
    text: share,
    lines: [
      { label: 'throttled periods', colour: '--two', of: 'throttledShare' },
      { label: 'PSI some', colour: '--one', of: 'cpuSomeShare' },
    ],
  },
  {
    title: 'Run-queue delay (eBPF)',
    text: share,
    lines: [{ label: 'waiting for a CPU, all tasks', colour: '--three', of: 'waitShare' }],
  },
  {
    title: 'Memory',
    text: bytes,
    steps: Array.from({ length: 34 }, (_, power) => 4096 * 2 ** power),
    lines: [
      { label: 'working set', colour: '--one', of: 'workingSetBytes' },
      { label: 'needed', colour: '--two', of: 'neededMemoryBytes' },
      { label: 'current', colour: '--three', of: 'memoryCurrentBytes' },
      { label: 'limit', colour: '--limit', of: 'memoryLimitBytes' },
    ],
  },
  {
    title: 'Waiting for memory and I/O',
    text: share,
    lines: [
      { label: 'memory PSI some', colour: '--two', of: 'memorySomeShare' },
      { label: 'I/O PSI some', colour: '--three', of: 'ioSomeShare' },
    ],
  },
];

export interface Charts {
  /** Begins anew with another row. */
  choose(row: DebugRow): void;
  /** Appends what is new. @param offsetMs wall clock minus CLOCK_BOOTTIME */
  append(series: Series, row: DebugRow, offsetMs: number): void;
  /** Instant of the newest slot, for the next question. */
  readonly newestBootMs: number;
  mark(signals: readonly SignalEntry[]): void;
  resize(): void;
}

export function createCharts(home: HTMLElement): Charts {
  const times: number[] = [];
  const values = new Map<LineSource, (number | null)[]>();
  let plots: { readonly chart: Chart; readonly plot: uPlot }[] = [];
  let newestBootMs = -Infinity;
  let marks: readonly number[] = [];
  const width = (): number => Math.max(240, home.clientWidth);
  const draw = (): void => {
    for (const { chart, plot } of plots) {
      plot.setData([times, ...chart.lines.map(({ of }) => values.get(of) ?? [])] as uPlot.AlignedData);
    }
  };
  const append = (name: LineSource, more: readonly (number | null)[]): void => {
    const column = values.get(name) ?? [];
    column.push(...more);
    column.splice(0, Math.max(0, column.length - MOST_SLOTS));
    values.set(name, column);
  };
  return {
    get newestBootMs() {
      return newestBootMs;
    },
    choose: () => {
      for (const { plot } of plots) plot.destroy();
      times.length = 0;
      values.clear();
      newestBootMs = -Infinity;
      home.replaceChildren();
      plots = CHARTS.map((chart) => ({ chart, plot: newPlot(home, chart, width(), () => marks) }));
    },
    append: ({ atBootMs, columns }, row, offsetMs) => {
      if (atBootMs.length === 0) return;
      newestBootMs = atBootMs.at(-1) ?? newestBootMs;
      times.push(...atBootMs.map((ms) => (ms + offsetMs) / 1000));
      times.splice(0, Math.max(0, times.length - MOST_SLOTS));
      for (const [name, column] of Object.entries(columns)) append(name as LineSource, column);
      for (const name of ['cpuLimitMillis', 'memoryLimitBytes'] as const) {
        append(
          name,
          atBootMs.map(() => row[name]),
        );
      }
      draw();
    },
    mark: (signals) => {
      marks = signals.map(({ atWallMs }) => atWallMs / 1000);
      for (const { plot } of plots) plot.redraw(false);
    },
    resize: () => {
      for (const { plot } of plots) plot.setSize({ width: width(), height: HEIGHT_PX });
    },
  };
}

function newPlot(home: HTMLElement, chart: Chart, width: number, marks: () => readonly number[]): uPlot {
  const box = make('div', '', { class: 'chart', role: 'img', 'aria-label': `${chart.title} over time` });
  box.append(make('h3', chart.title));
  home.append(box);
  const axis = { stroke: () => colour('--dim'), grid: { stroke: () => colour('--line'), width: 1 } };
  const options: uPlot.Options = {
    width,
    height: HEIGHT_PX,
    cursor: { sync: { key: 'headroom' } },
    scales: { x: { range: (_, min, max) => [Math.min(min, max - LEAST_SPAN_S), max] }, y: { range: rangeOf } },
    axes: [
      axis,
      {
        ...axis,
        size: 72,
        ...(chart.steps ? { incrs: chart.steps } : {}),
        values: (_, ticks) => ticks.map((tick) => chart.text(tick)),
      },
    ],
    series: [
      {},
      ...chart.lines.map((line) => ({
        label: line.label,
        stroke: () => colour(line.colour),
        width: 1.5,
        spanGaps: false,
        points: { show: false },
        value: (_: uPlot, value: number | null) => chart.text(value),
      })),
    ],
    hooks: { draw: [(plot) => drawMarks(plot, marks())] },
  };
  return new uPlot(options, [[], ...chart.lines.map(() => [])] as uPlot.AlignedData, box);
}

function rangeOf(_: uPlot, _min: number | null, max: number | null): [number, number] {
  return [0, max === null || max <= 0 ? 1 : max * 1.1];
}

function drawMarks(plot: uPlot, marks: readonly number[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour('--bad');
  ctx.setLineDash([4, 4]);
  for (const mark of marks) {
    const x = plot.valToPos(mark, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** A custom property as it is in the scheme of the moment. */
function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
