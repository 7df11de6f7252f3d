// The runs of case (b) as a picture: what the container holds against its limit, a panel a run, and where the time of a resize goes.
import type { LeakRun, Seen } from './leak-run.ts';
import { wasKilled } from './leak-run.ts';
import type { Legs } from './legs.ts';
import { ownMs } from './legs.ts';

export interface ShownRun {
  readonly title: string;
  readonly run: LeakRun;
  /** None: it was not resized. */
  readonly legs?: Legs;
}

const WIDTH = 760;
const PANEL = { height: 150, left: 56, right: 16, top: 34, bottom: 28 };
const MIB = 2 ** 20;
/** Seconds shown before the leak begins. */
const BEFORE_S = 1;
const AFTER_S = 3;
const STYLE = `
  svg { font: 12px system-ui, sans-serif; background: #fff; color: #1b1f24; }
  text { fill: currentColor; } .small { font-size: 11px; opacity: .75; }
  .axis { stroke: currentColor; opacity: .3; } .held { fill: none; stroke: #0b6bcb; stroke-width: 2; }
  .limit { fill: none; stroke: #c2410c; stroke-width: 2; stroke-dasharray: 5 3; } .mark { stroke: #15803d; stroke-width: 1.5; }
  .killed { fill: #b91c1c; }
  @media (prefers-color-scheme: dark) { svg { background: #14181d; color: #e6e9ed; } .held { stroke: #5aa9f5; } .limit { stroke: #fb923c; } .mark { stroke: #4ade80; } .killed { fill: #f87171; } }`;

/** @returns an SVG document */
export function timelinePicture(runs: readonly ShownRun[]): string {
  const height = PANEL.height + PANEL.top + PANEL.bottom;
  const panels = runs.map((shown, index) => `<g transform="translate(0 ${index * height + 30})">${panel(shown)}</g>`);
  const total = runs.length * height + 40;
  const key =
    '<line class="held" x1="56" x2="86" y1="16" y2="16"/><text x="92" y="20">memory held</text>' +
    '<line class="limit" x1="190" x2="220" y1="16" y2="16"/><text x="226" y="20">memory.max of the container</text>' +
    '<line class="mark" x1="420" x2="420" y1="8" y2="24"/><text x="428" y="20">resize accepted by the API server</text>';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${total}" role="img" aria-label="Leaks and their limits over time"><style>${STYLE}</style>${key}${panels.join('')}</svg>\n`;
}

interface Scale {
  readonly x: (atMs: number) => number;
  readonly y: (bytes: number) => number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly mostMib: number;
}

function panel({ title, run, legs }: ShownRun): string {
  const scale = scaleOf(run);
  const heldLine = run.memoryCurrent.filter(({ atMs }) => atMs >= scale.firstMs && atMs <= scale.lastMs);
  const peak = Math.max(...heldLine.map(({ value }) => value));
  const killed = wasKilled(run);
  const killedAt = heldLine.findLast(({ value }) => value > peak * 0.9) ?? heldLine.at(-1);
  const told = legs
    ? `limit in force ${Math.round(ownMs(legs) + legs.acceptedToContainerLimitMs)} ms after the signal, ${Math.round(ownMs(legs))} ms of it ours; 0 restarts`
    : killed
      ? 'OOMKilled'
      : '';
  return [
    `<text x="${PANEL.left}" y="20">${title}</text><text class="small" x="${WIDTH - PANEL.right}" y="20" text-anchor="end">${told}</text>`,
    axes(scale),
    `<path class="limit" d="${steps(run.containerLimit, scale)}"/>`,
    `<path class="held" d="${line(heldLine, scale)}"/>`,
    ...(legs ? [mark(run, legs, scale)] : []),
    ...(killed && killedAt ? [`<circle class="killed" r="5" cx="${scale.x(killedAt.atMs)}" cy="${scale.y(killedAt.value)}"/>`] : []), // prettier-ignore
  ].join('');
}

function scaleOf(run: LeakRun): Scale {
  const held = run.memoryCurrent;
  const start = held[0]?.value ?? 0;
  const grew = held.findIndex(({ value }) => value > Math.max(start, run.shape.startMib * MIB) + 2 * MIB);
  const firstMs = (held[Math.max(0, grew)]?.atMs ?? run.startedMs) - BEFORE_S * 1000;
  const peak = Math.max(...held.map(({ value }) => value));
  const peakMs = held.find(({ value }) => value >= peak * 0.98)?.atMs ?? firstMs;
  const lastMs = peakMs + AFTER_S * 1000;
  const mostMib = Math.max(peak / MIB, 64) * 1.4;
  const width = WIDTH - PANEL.left - PANEL.right;
  return {
    firstMs,
    lastMs,
    mostMib,
    x: (atMs) =>
      round(PANEL.left + ((Math.min(Math.max(atMs, firstMs), lastMs) - firstMs) / (lastMs - firstMs)) * width),
    y: (bytes) => round(PANEL.top + PANEL.height * (1 - Math.min(bytes / MIB / mostMib, 1))),
  };
}

function axes({ x, y, firstMs, lastMs, mostMib }: Scale): string {
  const right = WIDTH - PANEL.right;
  const bottom = PANEL.top + PANEL.height;
  const stepMib = mostMib > 120 ? 50 : 25;
  const levels = Array.from({ length: Math.floor(mostMib / stepMib) + 1 }, (_, index) => index * stepMib);
  const spanS = (lastMs - firstMs) / 1000;
  const stepS = spanS > 30 ? 10 : spanS > 12 ? 5 : 1;
  const seconds = Array.from({ length: Math.floor(spanS / stepS) + 1 }, (_, index) => index * stepS);
  return [
    ...levels.map((mib) => `<line class="axis" x1="${PANEL.left}" x2="${right}" y1="${y(mib * MIB)}" y2="${y(mib * MIB)}"/><text class="small" x="${PANEL.left - 6}" y="${y(mib * MIB) + 4}" text-anchor="end">${mib} MiB</text>`), // prettier-ignore
    ...seconds.map((s) => `<text class="small" x="${x(firstMs + s * 1000)}" y="${bottom + 16}" text-anchor="middle">${s} s</text>`), // prettier-ignore
  ].join('');
}

function line(seen: readonly Seen[], { x, y }: Scale): string {
  return seen.map(({ atMs, value }, index) => `${index === 0 ? 'M' : 'L'}${x(atMs)} ${y(value)}`).join('');
}

/** A limit holds until the next; above the picture it is its upper edge. */
function steps(seen: readonly Seen[], { x, y, firstMs, lastMs }: Scale): string {
  const parts = seen.map(({ atMs, value }, index) => {
    const at = y(value);
    return index === 0 ? `M${x(firstMs)} ${at}` : `H${x(atMs)}V${at}`;
  });
  return `${parts.join('')}H${x(lastMs)}`;
}

function mark(run: LeakRun, legs: Legs, { x }: Scale): string {
  const written = run.containerLimit.find(({ value }) => Math.abs(value - legs.limitBytes) < 4096);
  if (written === undefined) return '';
  const at = x(written.atMs - legs.acceptedToContainerLimitMs);
  return `<line class="mark" x1="${at}" x2="${at}" y1="${PANEL.top}" y2="${PANEL.top + PANEL.height}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
