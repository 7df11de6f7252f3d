// A batch as JSON columns: for people, curl and tests; keys in docs/protocol.md. JSON.parse keeps the last of two equal keys,
// so that a doubled column can't be seen here.
import type { Batch, ColumnName, CpuHistogram, ReportColumns } from './batch.ts';
import { COLUMNS } from './batch.ts';
import { checkHistogramEntry, checkIdentities, checkNode, checkShortage, emptyHistogram } from './batch-checks.ts';
import { MAX_COLUMNS, MAX_GONE, MAX_HISTOGRAM_ENTRIES, MAX_IDENTITIES, MAX_ROWS, MAX_SHORTAGES } from './bounds.ts';
import { CPU_SCHEME } from './histogram-scheme.ts';
import type { Identity } from './identity.ts';
import { ROW_KINDS } from './identity.ts';
import { asArray, asNumber, asObject, asOneOf, asRefs, asString, asWhole, field, parseObject } from './json-values.ts';
import type { JsonObject } from './json-values.ts';
import { checkCount, malformed } from './refusal.ts';
import type { Shortage } from './shortage.ts';
import { SHORTAGE_KINDS, SHORTAGE_RESOURCES } from './shortage.ts';
import { MAX_UINT32, checkUnique, isLimit, wireInstant, wireValue } from './wire-values.ts';

/** Infinity, as the kernel writes it. */
const MAX = 'max';
const encoder = new TextEncoder();

export function encodeJson(batch: Batch): Uint8Array {
  const { identities, gone, reports, histogram, shortages } = batch;
  const hasHistogram = histogram.row.length > 0 || histogram.scheme !== CPU_SCHEME;
  const json = {
    node: batch.node,
    agent: batch.agentVersion,
    boot: batch.bootId,
    epoch: wireInstant(batch.epoch),
    seq: wireInstant(batch.sequence),
    bootMs: wireInstant(batch.bootTimeMs),
    wallMs: wireInstant(batch.wallTimeMs),
    identities: identities.length > 0 ? identities.map(identityJson) : undefined,
    gone: gone.length > 0 ? gone : undefined,
    rows: reports.count > 0 ? Array.from(reports.ref) : undefined,
    columns: reports.count > 0 ? columnsJson(reports) : undefined,
    histogram: hasHistogram ? histogramJson(histogram) : undefined,
    shortages: shortages.length > 0 ? shortages.map(shortageJson) : undefined,
  };
  return encoder.encode(JSON.stringify(json));
}

function identityJson(identity: Identity): object {
  return {
    ref: identity.ref,
    kind: identity.kind,
    pod: identity.podUid || undefined,
    container: identity.containerId || undefined,
    cgroup: identity.cgroup || undefined,
    startMs: wireInstant(identity.startBootMs),
  };
}

function columnsJson(reports: ReportColumns): object {
  const columns: Record<string, (number | string | null)[]> = {};
  for (const name of COLUMNS) {
    const values = reports.values[name];
    if (!values) continue;
    const limit = isLimit(name);
    const column: (number | string | null)[] = [];
    let absent = 0;
    for (let row = 0; row < reports.count; row++) {
      const value = wireValue(values[row]!, limit);
      if (Number.isNaN(value)) absent++;
      column.push(Number.isNaN(value) ? null : value === Infinity ? MAX : value);
    }
    if (absent < reports.count) columns[name] = column;
  }
  return columns;
}

function histogramJson({ scheme, row, bucket, seconds }: CpuHistogram): object {
  return { scheme, row: Array.from(row), bucket: Array.from(bucket), seconds: Array.from(seconds) };
}

function shortageJson(shortage: Shortage): object {
  return {
    ref: shortage.ref,
    resource: shortage.resource,
    kind: shortage.kind,
    raisedMs: shortage.raisedBootMs,
    secondsToHarm: shortage.secondsToHarm === Infinity ? MAX : shortage.secondsToHarm,
    need: shortage.need,
    limit: shortage.limit,
    rate: shortage.rate,
    ...(shortage.secondsOfGrowth === undefined ? {} : { secondsOfGrowth: shortage.secondsOfGrowth }),
  };
}

/** @throws Refusal */
export function decodeJson(body: Uint8Array): Batch {
  const json = parseObject(body, 'batch');
  const reports = readReports(json);
  return {
    node: checkNode(asString(field(json, 'node'), 'node')),
    agentVersion: asString(field(json, 'agent'), 'agent'),
    bootId: asString(field(json, 'boot'), 'boot'),
    epoch: asWhole(field(json, 'epoch'), 'epoch'),
    sequence: asWhole(field(json, 'seq'), 'seq'),
    bootTimeMs: asWhole(field(json, 'bootMs'), 'bootMs'),
    wallTimeMs: asWhole(field(json, 'wallMs'), 'wallMs'),
    identities: checkIdentities(asArray(field(json, 'identities'), 'identities', MAX_IDENTITIES).map(readIdentity)),
    gone: asRefs(field(json, 'gone'), 'gone', MAX_GONE),
    reports,
    histogram: readHistogram(field(json, 'histogram'), reports.count),
    shortages: asArray(field(json, 'shortages'), 'shortages', MAX_SHORTAGES).map(readShortage),
  };
}

function readIdentity(value: unknown, index: number): Identity {
  const where = `identities[${index}]`;
  const json = asObject(value, where);
  return {
    ref: asWhole(field(json, 'ref'), `${where}.ref`, MAX_UINT32),
    kind: asOneOf(field(json, 'kind'), `${where}.kind`, ROW_KINDS),
    podUid: asString(field(json, 'pod') ?? '', `${where}.pod`),
    containerId: asString(field(json, 'container') ?? '', `${where}.container`),
    cgroup: asString(field(json, 'cgroup') ?? '', `${where}.cgroup`),
    startBootMs: asWhole(field(json, 'startMs'), `${where}.startMs`),
  };
}

function readReports(json: JsonObject): ReportColumns {
  const ref = Uint32Array.from(asRefs(field(json, 'rows'), 'rows', MAX_ROWS));
  checkUnique('rows', ref);
  const columns = asObject(field(json, 'columns') ?? {}, 'columns');
  checkCount('columns', Object.keys(columns).length, MAX_COLUMNS);
  const values: { [name in ColumnName]?: Float64Array } = {};
  for (const name of COLUMNS) {
    const column = field(columns, name);
    if (column !== undefined) values[name] = readColumn(column, name, ref.length);
  }
  return { count: ref.length, ref, values };
}

function readColumn(value: unknown, name: string, count: number): Float64Array {
  const where = `columns.${name}`;
  const column = asArray(value, where, MAX_ROWS);
  if (column.length !== count) throw malformed(where, `has ${column.length} values for ${count} rows`);
  const limit = isLimit(name);
  const values = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    const given = column[row];
    if (given === null) {
      values[row] = NaN;
      continue;
    }
    const number = given === MAX ? Infinity : asNumber(given, `${where}[${row}]`);
    const value = wireValue(number, limit);
    if (Number.isNaN(value)) throw malformed(`${where}[${row}]`, `${number} is not allowed`);
    values[row] = value;
  }
  return values;
}

function readHistogram(value: unknown, rows: number): CpuHistogram {
  if (value === undefined) return emptyHistogram(CPU_SCHEME, 0);
  const json = asObject(value, 'histogram');
  const scheme = asString(field(json, 'scheme'), 'histogram.scheme');
  const row = asRefs(field(json, 'row'), 'histogram.row', MAX_HISTOGRAM_ENTRIES);
  const bucket = asRefs(field(json, 'bucket'), 'histogram.bucket', MAX_HISTOGRAM_ENTRIES);
  const seconds = asRefs(field(json, 'seconds'), 'histogram.seconds', MAX_HISTOGRAM_ENTRIES);
  if (bucket.length !== row.length || seconds.length !== row.length)
    throw malformed('histogram', 'row, bucket and seconds differ in length');
  row.forEach((of, index) => checkHistogramEntry(index, scheme, rows, of, bucket[index]!, seconds[index]!));
  return { scheme, row: Uint32Array.from(row), bucket: Uint16Array.from(bucket), seconds: Uint32Array.from(seconds) };
}

function readShortage(value: unknown, index: number): Shortage {
  const where = `shortages[${index}]`;
  const json = asObject(value, where);
  const secondsToHarm = field(json, 'secondsToHarm');
  const secondsOfGrowth = field(json, 'secondsOfGrowth');
  return checkShortage(where, {
    ref: asWhole(field(json, 'ref'), `${where}.ref`, MAX_UINT32),
    resource: asOneOf(field(json, 'resource'), `${where}.resource`, SHORTAGE_RESOURCES),
    kind: asOneOf(field(json, 'kind'), `${where}.kind`, SHORTAGE_KINDS),
    raisedBootMs: asNumber(field(json, 'raisedMs'), `${where}.raisedMs`),
    secondsToHarm: secondsToHarm === MAX ? Infinity : asNumber(secondsToHarm, `${where}.secondsToHarm`),
    need: asNumber(field(json, 'need'), `${where}.need`),
    limit: asNumber(field(json, 'limit'), `${where}.limit`),
    rate: asNumber(field(json, 'rate'), `${where}.rate`),
    ...(secondsOfGrowth === undefined
      ? {}
      : { secondsOfGrowth: asNumber(secondsOfGrowth, `${where}.secondsOfGrowth`) }),
  });
}
