// A batch as bytes: "HRB", a version byte, then named sections with their lengths. Layout in docs/protocol.md.
// A reader skips sections, columns and the tails of records that it does not know; only the `batch` section must be there.
import type { Batch, ColumnName, CpuHistogram, ReportColumns } from './batch.ts';
import { COLUMNS } from './batch.ts';
import { writeColumn } from './binary-columns.ts';
import type { Reference } from './binary-columns.ts';
import { readRefs, readReports } from './binary-reports.ts';
import type { Wanted } from './binary-reports.ts';
import { MAX_COLUMNS, MAX_GONE, MAX_HISTOGRAM_ENTRIES, MAX_IDENTITIES, MAX_SHORTAGES } from './bounds.ts';
import { CPU_SCHEME } from './histogram-scheme.ts';
import { checkHistogramEntry, checkIdentities, checkNode, checkShortage, emptyHistogram } from './batch-checks.ts';
import type { Identity } from './identity.ts';
import { ROW_KINDS } from './identity.ts';
import { Refusal, malformed } from './refusal.ts';
import type { Shortage } from './shortage.ts';
import { SHORTAGE_KINDS, SHORTAGE_RESOURCES } from './shortage.ts';
import { ByteReader, ByteWriter, unzigzag, zigzag } from './varint.ts';
import { MAX_UINT32, wireInstant } from './wire-values.ts';

const MAGIC = [0x48, 0x52, 0x42] as const;
const VERSION = 1;
/** The name that closes a batch, so that one cut short between two sections is noticed. */
const END = '';
/** A scratch buffer above this is given back after use (a first push with every identity is far larger than the rest). */
const KEPT_BYTES = 256 * 1024;
/** Seconds from 0 to 6 share a varint with the row's step. */
const LONG_SECONDS = 7;

/** Columns that are close to another one, which is written before them. */
const PREDICTED_FROM: { readonly [name in ColumnName]?: ColumnName } = {
  memoryCurrentBytes: 'workingSetBytes',
  anonBytes: 'workingSetBytes',
  workingSetPeakBytes: 'workingSetBytes',
};

let scratch = new ByteWriter(64 * 1024);

export function encodeBinary(batch: Batch): Uint8Array {
  const writer = scratch;
  writer.clear();
  for (const byte of MAGIC) writer.byte(byte);
  writer.byte(VERSION);
  section(writer, 'batch', () => writeHeader(writer, batch));
  if (batch.identities.length > 0) section(writer, 'identities', () => writeIdentities(writer, batch.identities));
  if (batch.gone.length > 0) section(writer, 'gone', () => writeRefs(writer, batch.gone));
  if (batch.reports.count > 0) section(writer, 'reports', () => writeReports(writer, batch.reports));
  if (batch.histogram.row.length > 0 || batch.histogram.scheme !== CPU_SCHEME)
    section(writer, 'histogram', () => writeHistogram(writer, batch.histogram));
  if (batch.shortages.length > 0) section(writer, 'shortages', () => writeShortages(writer, batch.shortages));
  writer.string(END);
  if (writer.capacity > KEPT_BYTES) scratch = new ByteWriter(64 * 1024);
  return writer.take();
}

/** @throws Refusal */
export function decodeBinary(body: Uint8Array, wanted: Wanted = {}): Batch {
  const reader = new ByteReader(body, 'batch');
  if (MAGIC.some((byte) => reader.byte() !== byte)) throw malformed('batch', 'does not start with "HRB"');
  const version = reader.byte();
  if (version !== VERSION) throw new Refusal('unsupported_version', `batch of version ${version}; this is ${VERSION}`);
  const sections = readSections(reader);
  const header = sections.get('batch');
  if (!header) throw malformed('batch', 'section "batch" is missing');
  const reports = readReports(sections.get('reports'), wanted);
  return {
    ...readHeader(header),
    identities: readIdentities(sections.get('identities')),
    gone: Array.from(readRefs(sections.get('gone'), MAX_GONE)),
    reports,
    histogram: readHistogram(wanted.histogram === false ? undefined : sections.get('histogram'), reports.count),
    shortages: readShortages(sections.get('shortages')),
  };
}

function section(writer: ByteWriter, name: string, write: () => void): void {
  writer.string(name);
  const start = writer.length;
  write();
  writer.prefixLength(start);
}

/** Known and unknown ones, each name once, up to the empty name that ends a batch. */
function readSections(reader: ByteReader): Map<string, ByteReader> {
  const sections = new Map<string, ByteReader>();
  for (let name = reader.string(); name !== END; name = reader.string()) {
    if (sections.has(name)) throw malformed('batch', `section "${name}" is there twice`);
    if (sections.size === MAX_COLUMNS) throw new Refusal('too_large', `batch: more than ${MAX_COLUMNS} sections`);
    sections.set(name, reader.part(reader.uint(), name));
  }
  if (reader.remaining > 0) throw malformed('batch', `${reader.remaining} bytes after the end`);
  return sections;
}

function writeHeader(writer: ByteWriter, batch: Batch): void {
  writer.string(batch.node);
  writer.string(batch.agentVersion);
  writer.string(batch.bootId);
  writer.uint(wireInstant(batch.epoch));
  writer.uint(wireInstant(batch.sequence));
  writer.uint(wireInstant(batch.bootTimeMs));
  writer.uint(wireInstant(batch.wallTimeMs));
}

type Header = Omit<Batch, 'identities' | 'gone' | 'reports' | 'histogram' | 'shortages'>;

function readHeader(reader: ByteReader): Header {
  return {
    node: checkNode(reader.string()),
    agentVersion: reader.string(),
    bootId: reader.string(),
    epoch: reader.uint(),
    sequence: reader.uint(),
    bootTimeMs: reader.uint(),
    wallTimeMs: reader.uint(),
  };
}

function writeIdentities(writer: ByteWriter, identities: readonly Identity[]): void {
  writer.uint(identities.length);
  for (const identity of identities) {
    const start = writer.length;
    writer.uint(identity.ref);
    writer.byte(ROW_KINDS.indexOf(identity.kind));
    writer.string(identity.podUid);
    writer.string(identity.containerId);
    writer.string(identity.cgroup);
    writer.uint(wireInstant(identity.startBootMs));
    writer.prefixLength(start);
  }
}

/** Bytes of the shortest identity: its length, ref, kind, three empty strings, start. */
const LEAST_IDENTITY = 7;

function readIdentities(reader: ByteReader | undefined): Identity[] {
  if (!reader) return [];
  const identities: Identity[] = [];
  const count = reader.count(MAX_IDENTITIES, LEAST_IDENTITY);
  for (let index = 0; index < count; index++) {
    const record = reader.part(reader.uint(), `identities[${index}]`);
    const ref = readRef(record);
    const kind = ROW_KINDS[record.byte()];
    if (kind === undefined) throw malformed(record.where, 'unknown kind');
    const [podUid, containerId, cgroup] = [record.string(), record.string(), record.string()];
    identities.push({ ref, kind, podUid, containerId, cgroup, startBootMs: record.uint() });
  }
  return checkIdentities(identities);
}

/** As steps from the ref that would follow: a run of refs is a run of zeros. */
function writeRefs(writer: ByteWriter, refs: ArrayLike<number>): void {
  writer.uint(refs.length);
  for (let index = 0, next = 0; index < refs.length; index++) {
    writer.uint(zigzag(refs[index]! - next));
    next = refs[index]! + 1;
  }
}

function readRef(reader: ByteReader): number {
  const ref = reader.uint();
  if (ref > MAX_UINT32) throw malformed(reader.where, `ref ${ref} is not a 32-bit number`);
  return ref;
}

function writeReports(writer: ByteWriter, reports: ReportColumns): void {
  writeRefs(writer, reports.ref);
  const written = new Map<ColumnName, Reference>();
  for (const name of COLUMNS) {
    const values = reports.values[name];
    if (!values) continue;
    const base = PREDICTED_FROM[name];
    const reference = base === undefined ? undefined : written.get(base);
    if (writeColumn(writer, name, values, reports.count, reference)) written.set(name, { index: written.size, values });
  }
}

function writeHistogram(writer: ByteWriter, { scheme, row, bucket, seconds }: CpuHistogram): void {
  writer.string(scheme);
  writer.uint(row.length);
  for (let index = 0, previous = 0; index < row.length; index++) {
    const spent = seconds[index]!;
    writer.uint(zigzag(row[index]! - previous) * 8 + Math.min(spent, LONG_SECONDS));
    if (spent >= LONG_SECONDS) writer.uint(spent - LONG_SECONDS);
    writer.uint(bucket[index]!);
    previous = row[index]!;
  }
}

function readHistogram(reader: ByteReader | undefined, rows: number): CpuHistogram {
  if (!reader) return emptyHistogram(CPU_SCHEME, 0);
  const scheme = reader.string();
  const histogram = emptyHistogram(scheme, reader.count(MAX_HISTOGRAM_ENTRIES, 2));
  for (let index = 0, row = 0; index < histogram.row.length; index++) {
    const token = reader.uint();
    row += unzigzag(Math.floor(token / 8));
    const seconds = token % 8 < LONG_SECONDS ? token % 8 : LONG_SECONDS + reader.uint();
    const bucket = reader.uint();
    checkHistogramEntry(index, scheme, rows, row, bucket, seconds);
    histogram.row[index] = row;
    histogram.bucket[index] = bucket;
    histogram.seconds[index] = seconds;
  }
  return histogram;
}

function writeShortages(writer: ByteWriter, shortages: readonly Shortage[]): void {
  writer.uint(shortages.length);
  for (const shortage of shortages) {
    const start = writer.length;
    writer.uint(shortage.ref);
    writer.byte(SHORTAGE_RESOURCES.indexOf(shortage.resource));
    writer.byte(SHORTAGE_KINDS.indexOf(shortage.kind));
    for (const value of [shortage.raisedBootMs, shortage.secondsToHarm, shortage.need, shortage.limit, shortage.rate])
      writer.float64(value);
    if (shortage.secondsOfGrowth !== undefined) writer.float64(shortage.secondsOfGrowth);
    writer.prefixLength(start);
  }
}

/** Bytes of the shortest shortage: its length, ref, resource, kind, five float64. */
const LEAST_SHORTAGE = 44;

function readShortages(reader: ByteReader | undefined): Shortage[] {
  if (!reader) return [];
  const shortages: Shortage[] = [];
  const count = reader.count(MAX_SHORTAGES, LEAST_SHORTAGE);
  for (let index = 0; index < count; index++) {
    const record = reader.part(reader.uint(), `shortages[${index}]`);
    const ref = readRef(record);
    const resource = SHORTAGE_RESOURCES[record.byte()];
    const kind = SHORTAGE_KINDS[record.byte()];
    if (!resource || !kind) throw malformed(record.where, `unknown ${resource ? 'kind' : 'resource'}`);
    const shortage = {
      ref,
      resource,
      kind,
      raisedBootMs: record.float64(),
      secondsToHarm: record.float64(),
      need: record.float64(),
      limit: record.float64(),
      rate: record.float64(),
      ...(record.remaining > 0 ? { secondsOfGrowth: record.float64() } : {}),
    };
    shortages.push(checkShortage(record.where, shortage));
  }
  return shortages;
}
