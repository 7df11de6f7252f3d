// The page: asks the endpoint's JSON twins each second while it is looked at, and listens to the stream of signals.
// oxlint-disable-next-line import/no-unassigned-import -- styles, for the bundler
import 'uplot/dist/uPlot.min.css';
// oxlint-disable-next-line import/no-unassigned-import
import './page.css';
import { ask, element, make } from './answers.ts';
import type { DebugRow, NodeAnswer, RowsAnswer, Series, SignalEntry } from './answers.ts';
import { createCharts } from './charts.ts';
import { bytes, millis, share } from './format.ts';
import { createRowTable, nameOf } from './table.ts';

const REFRESH_MS = 1000;
const MOST_SIGNALS = 200;

const search = element<HTMLInputElement>('search');
const all = element<HTMLInputElement>('all');
const charts = createCharts(element('charts'));
const signals: SignalEntry[] = [];
let chosen: DebugRow | undefined;
let newest: RowsAnswer | undefined;
let busy = false;

const table = createRowTable(
  element<HTMLTableElement>('rows'),
  () => ({ search: search.value, all: all.checked }),
  (row) => {
    chosen = row;
    charts.choose(row);
    showDetailHead(row);
    markSignals();
    void refreshCharts();
  },
);

async function refresh(): Promise<void> {
  if (busy || document.hidden) return;
  busy = true;
  try {
    const [node, rows] = await Promise.all([ask<NodeAnswer>('/api/node'), ask<RowsAnswer>('/api/rows')]);
    newest = rows;
    showNode(node, rows);
    table.show(rows.rows);
    const again = rows.rows.find(({ ref }) => ref === chosen?.ref);
    if (again) chosen = again;
    await refreshCharts();
    say('', true);
  } catch (error) {
    say(`not answered: ${(error as Error).message}`, false);
  } finally {
    busy = false;
  }
}

async function refreshCharts(): Promise<void> {
  const row = chosen;
  if (!row || !newest) return;
  const since = Number.isFinite(charts.newestBootMs) ? `?since=${charts.newestBootMs}` : '';
  try {
    const series = await ask<Series>(`/api/series/${row.ref}${since}`);
    if (row.ref === chosen?.ref) charts.append(series, row, newest.wallTimeMs - newest.bootTimeMs);
  } catch {
    element('detail-title').textContent = `${nameOf(row)} (ended)`;
  }
}

function showNode(node: NodeAnswer, { rows }: RowsAnswer): void {
  element('node-name').textContent = `agent ${node.agentVersion} on ${node.node}`;
  document.title = `Headroom: ${node.node}`;
  const own = rows.find(({ kind }) => kind === 'node');
  const facts: readonly (readonly [string, string])[] = [
    ['CPU', millis(own?.cpuMillis)],
    ['memory', bytes(own?.workingSetBytes)],
    ['CPU PSI', share(own?.cpuSomeShare)],
    ['memory PSI', share(own?.memorySomeShare)],
    ['I/O PSI', share(own?.ioSomeShare)],
    ['containers', String(rows.filter(({ kind }) => kind === 'container').length)],
    ['log level', node.logLevel],
  ];
  element('strip').replaceChildren(
    ...facts.map(([name, value]) => {
      const pair = make('div', '');
      pair.append(make('dt', name), make('dd', value));
      return pair;
    }),
  );
  element<HTMLTableElement>('capabilities').tBodies[0]?.replaceChildren(
    ...node.capabilities.map(({ name, available, cause }) => {
      const line = make('tr', '');
      line.append(
        make('td', name),
        make('td', available ? 'available' : 'missing', { class: available ? 'yes' : 'no' }),
        make('td', cause),
      );
      return line;
    }),
  );
  element('pushes').replaceChildren(...pushLines(node).map((text) => make('li', text)));
}

function pushLines({ aggregators }: NodeAnswer): readonly string[] {
  if (aggregators.length === 0) return ['no aggregator is set: this agent only observes'];
  return aggregators.flatMap(({ url, addresses, problems }) => [
    `${url}: pushing to ${addresses.length === 0 ? 'nobody yet' : addresses.join(', ')}`,
    ...problems.map((problem) => `${url}: ${problem}`),
  ]);
}

function showDetailHead(row: DebugRow): void {
  element('detail-title').textContent = nameOf(row);
  const link = (kind: string): HTMLAnchorElement => make('a', kind, { href: `/api/ring/${row.ref}.${kind}` });
  element('dumps').replaceChildren('ring as ', link('csv'), ' ', link('json'));
}

function listen(): void {
  const source = new EventSource('/api/signals/stream');
  source.addEventListener('signal', (event: MessageEvent<string>) => {
    signals.unshift(JSON.parse(event.data) as SignalEntry);
    signals.splice(MOST_SIGNALS);
    showSignals();
    markSignals();
  });
}

function showSignals(): void {
  element('signal-list').replaceChildren(
    ...signals.map((signal) => {
      const at = new Date(signal.atWallMs);
      const row = newest?.rows.find(({ ref }) => ref === signal.ref);
      const line = make('li', '');
      line.append(
        make('time', at.toLocaleTimeString(), { datetime: at.toISOString() }),
        `${row ? `${nameOf(row)}: ` : ''}${signal.text}`,
      );
      return line;
    }),
  );
}

function markSignals(): void {
  charts.mark(signals.filter(({ ref }) => ref === chosen?.ref));
}

function say(text: string, good: boolean): void {
  const status = element('status');
  if (status.textContent !== text) status.textContent = text;
  status.classList.toggle('bad', !good);
}

for (const input of [search, all]) input.addEventListener('input', () => newest && table.show(newest.rows));
new ResizeObserver(() => charts.resize()).observe(element('charts'));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.resize());
document.addEventListener('visibilitychange', () => void refresh());
element('signal-list').replaceChildren(make('li', 'none since the agent began'));
listen();
setInterval(() => void refresh(), REFRESH_MS);
void refresh();
