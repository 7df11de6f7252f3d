// What the debugging endpoint answers: the page, its JSON twins, a stream of signals, ring dumps, profiles, the log level.
import { Readable } from 'node:stream';
import { rowView } from '../containers-view.ts';
import type { RowView } from '../containers-view.ts';
import type { Row } from '../store/row.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { LOG_LEVELS } from '../runtime/logger.ts';
import type { Assets } from './assets.ts';
import type { Profiles } from './profiles.ts';
import { MOST_SECONDS } from './profiles.ts';
import { ringColumns, ringCsv } from './ring-dump.ts';
import { seriesOf } from './series.ts';
import type { DebugAnswer, DebugRequest, DebugRoute } from './server.ts';
import { jsonOf, plain } from './server.ts';
import type { SignalEntry, SignalLog } from './signal-log.ts';

export interface DebugParts {
  readonly assets: Assets;
  readonly profiles: Profiles;
  readonly signals: SignalLog;
  readonly rows: () => readonly Row[];
  readonly row: (ref: number) => Row | undefined;
  /** Node, version, capabilities with causes, state of the pushes: as JSON. */
  readonly node: () => object;
  readonly clock: Clock;
  readonly log: Logger;
  readonly windowMs: number;
}

const HEARTBEAT_MS = 15_000;
/** What a stream's reader may be behind before it is let go. */
const MOST_BEHIND_BYTES = 256 * 1024;

export function debugRoutes(parts: DebugParts): readonly DebugRoute[] {
  const asset = (path: string): DebugRoute => get(path, () => assetAnswer(parts.assets, path));
  return [
    asset('/'),
    asset('/page.js'),
    asset('/page.css'),
    get('/api/node', () => jsonOf({ ...parts.node(), ...nowOf(parts), logLevel: parts.log.level })),
    get('/api/rows', () => jsonOf({ ...nowOf(parts), rows: parts.rows().map((row) => debugRow(row, parts.windowMs)) })),
    get('/api/series/', (request) => seriesAnswer(parts, request)),
    get('/api/ring/', (request) => ringAnswer(parts, request)),
    get('/api/signals', (request) => signalsAnswer(parts.signals, request)),
    get('/api/signals/stream', (request) => streamAnswer(parts.signals, request)),
    get('/api/profiles/cpu', (request) => cpuAnswer(parts.profiles, request), true),
    get('/api/profiles/heap', () => heapAnswer(parts.profiles), true),
    get('/api/log-level', () => jsonOf({ level: parts.log.level })),
    { method: 'PUT', path: '/api/log-level', needsToken: true, answer: (request) => setLevel(parts.log, request) },
  ];
}

function get(path: string, answer: DebugRoute['answer'], needsToken = false): DebugRoute {
  return { method: 'GET', path, needsToken, answer };
}

export interface DebugRow extends RowView {
  readonly throttledShare: number | null;
  readonly cpuSomeShare: number | null;
  readonly memorySomeShare: number | null;
  readonly ioSomeShare: number | null;
  readonly waitShare: number | null;
}

/** The newest slot's rates beside the newest values. */
function debugRow(row: Row, windowMs: number): DebugRow {
  const { columns } = seriesOf(row.ring, row.ring.atBootMs(1));
  const newest = (
    name: 'throttledShare' | 'cpuSomeShare' | 'memorySomeShare' | 'ioSomeShare' | 'waitShare',
  ): number | null => columns[name].at(-1) ?? null;
  return {
    ...rowView(row, windowMs),
    throttledShare: newest('throttledShare'),
    cpuSomeShare: newest('cpuSomeShare'),
    memorySomeShare: newest('memorySomeShare'),
    ioSomeShare: newest('ioSomeShare'),
    waitShare: newest('waitShare'),
  };
}

function nowOf({ clock }: DebugParts): { readonly bootTimeMs: number; readonly wallTimeMs: number } {
  return { bootTimeMs: clock.bootTimeMs(), wallTimeMs: clock.wallTimeMs() };
}

function assetAnswer(assets: Assets, path: string): DebugAnswer {
  try {
    const asset = assets(path);
    return asset ? { status: 200, ...asset } : plain(404, 'not found\n');
  } catch (err) {
    return plain(503, `the page is not there: build it with "npm run build" (${(err as Error).message})\n`);
  }
}

function seriesAnswer({ row, clock }: DebugParts, { rest, query }: DebugRequest): DebugAnswer {
  const found = row(wholeNumber(rest) ?? -1);
  if (!found) return plain(404, `no row ${rest}\n`);
  const since = sinceOf(query);
  if (Number.isNaN(since)) return plain(400, NO_INSTANT);
  return jsonOf({ ref: found.identity.ref, bootTimeMs: clock.bootTimeMs(), ...seriesOf(found.ring, since) });
}

const NO_INSTANT = 'since: an instant in ms of CLOCK_BOOTTIME\n';

/** NaN: it is none. */
function sinceOf(query: URLSearchParams): number {
  const text = query.get('since');
  if (text === null) return -Infinity;
  return /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : NaN;
}

/** `/api/ring/<ref>.csv` or `.json`. */
function ringAnswer({ row, clock }: DebugParts, { rest, query }: DebugRequest): DebugAnswer {
  const match = /^(\d+)\.(csv|json)$/.exec(rest);
  const found = match && row(Number(match[1]));
  if (!match || !found) return plain(404, 'ask for <ref>.csv or <ref>.json of a row that is there\n');
  const since = sinceOf(query);
  if (Number.isNaN(since)) return plain(400, NO_INSTANT);
  const fileName = `ring-${rest}`;
  if (match[2] === 'csv') {
    const body = ringCsv(found.ring, since, clock.wallTimeMs() - clock.bootTimeMs());
    return { status: 200, type: 'text/csv; charset=utf-8', body, fileName };
  }
  return {
    ...jsonOf({ identity: found.identity, name: found.name ?? null, ...ringColumns(found.ring, since) }),
    fileName,
  };
}

function signalsAnswer(signals: SignalLog, { query }: DebugRequest): DebugAnswer {
  const after = wholeNumber(query.get('after') ?? '0');
  return after === undefined ? plain(400, NO_SIGNAL) : jsonOf({ signals: signals.entries(after) });
}

const NO_SIGNAL = 'after: the id of a signal\n';

function streamAnswer(signals: SignalLog, { query, lastEventId, signal }: DebugRequest): DebugAnswer {
  const after = wholeNumber(lastEventId ?? query.get('after') ?? '0');
  if (after === undefined) return plain(400, NO_SIGNAL);
  const body = new Readable({ read: () => undefined });
  const say = (entry: SignalEntry): void => {
    // A reader that does not keep up comes back and asks for what it missed.
    if (body.readableLength > MOST_BEHIND_BYTES) body.destroy();
    else body.push(`id: ${entry.id}\nevent: signal\ndata: ${JSON.stringify(entry)}\n\n`);
  };
  const end = signals.listen(say);
  if (end === undefined) return plain(503, 'too many streams are open\n');
  body.push(': signals of this node\n\n');
  for (const entry of signals.entries(after)) say(entry);
  const heartbeat = setInterval(() => body.push(': still here\n\n'), HEARTBEAT_MS);
  signal.addEventListener('abort', () => {
    clearInterval(heartbeat);
    end();
    body.destroy();
  });
  return { status: 200, type: 'text/event-stream', body };
}

async function cpuAnswer(profiles: Profiles, { query, signal }: DebugRequest): Promise<DebugAnswer> {
  const seconds = Number(query.get('seconds') ?? 10);
  if (!(seconds >= 1 && seconds <= MOST_SECONDS)) return plain(400, `seconds: 1 to ${MOST_SECONDS}\n`);
  const profile = await profiles.cpu(seconds, signal);
  if (profile.kind === 'busy') return plain(409, 'a profile is being taken\n');
  return { status: 200, type: 'application/json', body: profile.content, fileName: 'headroom-agent.cpuprofile' };
}

function heapAnswer(profiles: Profiles): DebugAnswer {
  const profile = profiles.heap();
  if (profile.kind === 'busy') return plain(409, 'a profile is being taken\n');
  return { status: 200, type: 'application/json', body: profile.content, fileName: 'headroom-agent.heapsnapshot' };
}

function setLevel(log: Logger, { body }: DebugRequest): DebugAnswer {
  const level = LOG_LEVELS.find((each) => each === body.trim());
  if (level === undefined) return plain(400, `one of ${LOG_LEVELS.join(', ')}\n`);
  log.info({ from: log.level, to: level }, 'log level set');
  log.level = level;
  return jsonOf({ level });
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
