// The table of rows: sortable by each column, searchable, chosen by mouse or keyboard. Rows are kept between refreshes, so that
// the focus and the selection stay where they are.
import { make } from './answers.ts';
import type { DebugRow } from './answers.ts';
import { bytes, millis, share } from './format.ts';

interface Column {
  readonly title: string;
  readonly hint: string;
  readonly text: (row: DebugRow) => string;
  readonly order: (row: DebugRow) => number | string;
  /** Left out on a phone. */
  readonly wide?: true;
}

const amount = (value: number | null): number => value ?? -1;

const COLUMNS: readonly Column[] = [
  { title: 'name', hint: 'namespace/pod/container, else the cgroup', text: nameOf, order: nameOf },
  {
    title: 'cpu',
    hint: 'over the window',
    text: (row) => millis(row.cpuMillis),
    order: (row) => amount(row.cpuMillis),
  },
  {
    title: 'limit',
    hint: 'cpu.max',
    text: (row) => millis(row.cpuLimitMillis),
    order: (row) => amount(row.cpuLimitMillis),
    wide: true,
  },
  {
    title: 'throttled',
    hint: 'share of periods, last second',
    text: (row) => share(row.throttledShare),
    order: (row) => amount(row.throttledShare),
  },
  {
    title: 'memory',
    hint: 'working set',
    text: (row) => bytes(row.workingSetBytes),
    order: (row) => amount(row.workingSetBytes),
  },
  {
    title: 'needed',
    hint: 'memory without reclaimable page cache',
    text: (row) => bytes(row.neededMemoryBytes),
    order: (row) => amount(row.neededMemoryBytes),
    wide: true,
  },
  {
    title: 'limit',
    hint: 'memory.max',
    text: (row) => bytes(row.memoryLimitBytes),
    order: (row) => amount(row.memoryLimitBytes),
  },
  {
    title: 'mem PSI',
    hint: 'share of time that some task waited for memory',
    text: (row) => share(row.memorySomeShare),
    order: (row) => amount(row.memorySomeShare),
    wide: true,
  },
  {
    title: 'pids',
    hint: 'pids.current',
    text: (row) => (row.pids === null ? '–' : String(row.pids)),
    order: (row) => amount(row.pids),
    wide: true,
  },
];

export function nameOf(row: DebugRow): string {
  // Names come from the aggregator: until then the ids that crictl and the kubelet's log show.
  if (row.pod === null && row.kind === 'container')
    return `${row.containerId.slice(0, 12)} of pod ${row.podUid.slice(0, 8)}`;
  if (row.pod === null) return row.kind === 'node' ? 'node' : row.cgroup;
  return [row.namespace, row.pod, row.container].filter((part) => part !== null && part !== '').join('/');
}

export interface RowTable {
  show(rows: readonly DebugRow[]): void;
}

export function createRowTable(
  table: HTMLTableElement,
  filter: () => { readonly search: string; readonly all: boolean },
  onChosen: (row: DebugRow) => void,
): RowTable {
  const body = table.tBodies[0];
  const head = table.tHead;
  if (!body || !head) throw new Error('a table with a head and a body');
  const lines = new Map<number, HTMLTableRowElement>();
  let [sortBy, descending] = [4, true];
  let newest: readonly DebugRow[] = [];
  let chosen: number | undefined;
  const draw = (): void => {
    const { search, all } = filter();
    const shown = newest
      .filter((row) => all || row.kind === 'container')
      .filter((row) => `${nameOf(row)} ${row.cgroup} ${row.containerId}`.toLowerCase().includes(search.toLowerCase()));
    const { order } = COLUMNS[sortBy] ?? COLUMNS[0]!;
    const sorted = shown.toSorted((a, b) => compare(order(a), order(b)) * (descending ? -1 : 1) || a.ref - b.ref);
    const focused = document.activeElement;
    const wanted = sorted.map((row) => {
      const line = lines.get(row.ref) ?? newLine(row.ref, choose);
      lines.set(row.ref, line);
      fill(line, row, row.ref === chosen);
      return line;
    });
    for (const ref of lines.keys()) if (!newest.some((row) => row.ref === ref)) lines.delete(ref);
    if (!sameOrder(body, wanted)) body.replaceChildren(...wanted);
    if (focused instanceof HTMLElement && body.contains(focused)) focused.focus();
  };
  const choose = (ref: number): void => {
    const row = newest.find((each) => each.ref === ref);
    if (!row) return;
    chosen = ref;
    draw();
    onChosen(row);
  };
  head.replaceChildren(
    headLine(
      (at) => {
        [sortBy, descending] = [at, at === sortBy ? !descending : at !== 0];
        draw();
      },
      () => ({ sortBy, descending }),
    ),
  );
  return {
    show: (rows) => {
      newest = rows;
      draw();
    },
  };
}

function fill(line: HTMLTableRowElement, row: DebugRow, chosen: boolean): void {
  line.setAttribute('aria-selected', String(chosen));
  line.classList.toggle('short', row.short);
  COLUMNS.forEach(({ text }, at) => {
    const cell = line.cells[at];
    const wanted = text(row);
    if (cell && cell.textContent !== wanted) cell.textContent = wanted;
  });
  line.cells[0]?.setAttribute('title', row.cgroup);
}

function newLine(ref: number, choose: (ref: number) => void): HTMLTableRowElement {
  const line = make('tr', '', { tabindex: '0', 'data-ref': String(ref) });
  COLUMNS.forEach(({ wide }, at) => {
    line.append(make('td', '', { class: [at === 0 ? 'name' : '', wide ? 'wide' : ''].join(' ').trim() }));
  });
  line.addEventListener('click', () => choose(ref));
  line.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' || event.key === ' ') choose(ref);
    else if (event.key === 'ArrowDown') (line.nextElementSibling as HTMLElement | null)?.focus();
    else if (event.key === 'ArrowUp') (line.previousElementSibling as HTMLElement | null)?.focus();
    else return;
    event.preventDefault();
  });
  return line;
}

function headLine(
  sort: (column: number) => void,
  state: () => { readonly sortBy: number; readonly descending: boolean },
): HTMLTableRowElement {
  const line = make('tr', '');
  const mark = (): void => {
    const { sortBy, descending } = state();
    [...line.cells].forEach((cell, at) =>
      cell.setAttribute('aria-sort', at !== sortBy ? 'none' : descending ? 'descending' : 'ascending'),
    );
  };
  COLUMNS.forEach(({ title, hint, wide }, at) => {
    const cell = make('th', '', { scope: 'col', title: hint, ...(wide ? { class: 'wide' } : {}) });
    const button = make('button', title, { type: 'button' });
    button.addEventListener('click', () => {
      sort(at);
      mark();
    });
    cell.append(button);
    line.append(cell);
  });
  mark();
  return line;
}

function compare(a: number | string, b: number | string): number {
  return typeof a === 'string' ? a.localeCompare(String(b)) : a - Number(b);
}

function sameOrder(body: HTMLTableSectionElement, wanted: readonly HTMLTableRowElement[]): boolean {
  return body.rows.length === wanted.length && wanted.every((line, at) => body.rows[at] === line);
}
