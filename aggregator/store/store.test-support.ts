// What the tests of the store, the intake and the API start from: pods, nodes, batches and a clock that stands still.
import type { Batch, ColumnName } from '../../agent/protocol/batch.ts';
import { COLUMNS } from '../../agent/protocol/batch.ts';
import type { Identity } from '../../agent/protocol/identity.ts';
import { silentLogger } from '../../agent/runtime/logger.ts';
import type { ContainerRecord, NodeRecord, PodRecord } from '../kube/records.ts';
import type { PointStoreOptions } from './point-store.ts';
import { PointStore } from './point-store.ts';
import type { Encoded, Encoding, ItemEncoding, ItemTail, Usage } from './views.ts';

export const MIB = 1024 * 1024;
export const STALENESS_MS = 60_000;
export const WALL_MS = Date.parse('2026-11-23T12:00:00.250Z');
export const BOOT_ID = '9d6b7c1e-0000-4000-8000-000000000001';

/** 64 hex that begin with `start`. */
export function id(start: string): string {
  return start.padEnd(64, '0');
}

export function container(name: string, containerId: string, more: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    name,
    containerId,
    running: true,
    kind: 'container',
    requests: {},
    limits: {},
    rawResources: {},
    resizable: true,
    restartOnResize: { cpu: false, memory: false },
    hasClaims: false,
    ...more,
  };
}

export function pod(name: string, containers: readonly ContainerRecord[], more: Partial<PodRecord> = {}): PodRecord {
  return {
    uid: `uid-${name}`,
    namespace: 'default',
    name,
    nodeName: 'n1',
    labels: { app: name },
    annotations: {},
    phase: 'Running',
    qosClass: 'Burstable',
    terminating: false,
    isMirror: false,
    isWindows: false,
    generation: 1,
    observedGeneration: 1,
    resizeConditions: [],
    containers,
    ...more,
  };
}

export function node(name: string, labels: Readonly<Record<string, string>> = {}): NodeRecord {
  return { name, labels, allocatable: { cpuMillis: 2000, memoryBytes: 1024 * MIB } };
}

/** A row of a batch; what is left out was not read. */
export type RowValues = { readonly ref: number } & { readonly [name in ColumnName]?: number };

export interface BatchOptions extends Partial<Omit<Batch, 'reports' | 'identities'>> {
  readonly rows?: readonly RowValues[];
  readonly identities?: readonly Identity[];
}

/** A batch of n1, cut 100 s after boot, whose rows were read at that instant unless they say otherwise. */
export function batch({ rows = [], ...more }: BatchOptions = {}): Batch {
  const bootTimeMs = more.bootTimeMs ?? 100_000;
  const values = Object.fromEntries(
    COLUMNS.map((name) => [
      name,
      Float64Array.from(rows, (row) => row[name] ?? (name === 'atBootMs' ? bootTimeMs : NaN)),
    ]),
  );
  return {
    node: 'n1',
    agentVersion: '0.1.0',
    bootId: BOOT_ID,
    epoch: 1,
    sequence: 1,
    bootTimeMs,
    wallTimeMs: WALL_MS,
    identities: [],
    gone: [],
    histogram: { scheme: '', row: new Uint32Array(), bucket: new Uint16Array(), seconds: new Uint32Array() },
    shortages: [],
    ...more,
    reports: { count: rows.length, ref: Uint32Array.from(rows, (row) => row.ref), values },
  };
}

export function containerIdentity(ref: number, containerId: string, podUid = 'uid-web'): Identity {
  return { ref, kind: 'container', podUid, containerId, cgroup: `kubepods/${containerId}`, startBootMs: 0 };
}

export const NODE_IDENTITY: Identity = {
  ref: 0,
  kind: 'node',
  podUid: '',
  containerId: '',
  cgroup: '',
  startBootMs: 0,
};

/** One core for 15 s and so many MiB, unless it says otherwise. */
export function usageRow(ref: number, more: Omit<RowValues, 'ref'> = {}): RowValues {
  return { ref, windowUs: 15_000_000, cpuWindowUs: 15_000_000, workingSetBytes: 100 * MIB, ...more };
}

export interface TestStore {
  readonly store: PointStore;
  /** Moves both clocks. */
  readonly advance: (ms: number) => void;
  /** Accepts at the clock's now. */
  readonly push: (given: Batch) => ReturnType<PointStore['accept']>;
}

export function testStore(more: Partial<PointStoreOptions> = {}): TestStore {
  let elapsedMs = 0;
  const store = new PointStore({
    clock: () => elapsedMs,
    wallMs: () => WALL_MS + elapsedMs,
    stalenessMs: STALENESS_MS,
    encodePod: textEncodings((record) => `${record.namespace}/${record.name}`),
    encodeNode: textEncodings((record) => record.name),
    log: silentLogger,
    ...more,
  });
  return {
    store,
    advance: (ms) => void (elapsedMs += ms),
    push: (given) => store.accept(given, elapsedMs, WALL_MS + elapsedMs),
  };
}

/** "default/web 1000000000n 104857600": readable where the real encoder's JSON would hide what is tested. */
export function textEncodings<Record>(nameOf: (record: Record) => string): {
  readonly [encoding in Encoding]: ItemEncoding<Record>;
} {
  const encoding: ItemEncoding<Record> = {
    separator: Buffer.from(','),
    template: (record) => ({ head: Buffer.from(nameOf(record)), createdAt: 0, tail: TEXT_TAIL }),
  };
  return { json: encoding, protobuf: encoding };
}

const TEXT_TAIL: ItemTail = {
  maxBytes: 4096,
  complete: (out, _start, end, _createdAt, usage) =>
    end + Buffer.from(out.buffer, out.byteOffset).write(usageText(usage), end, 'latin1'),
};

function usageText({ count, cpuNanos, workingSetBytes }: Usage): string {
  return Array.from({ length: count }, (_, at) => ` ${cpuNanos[at]}n ${workingSetBytes[at]}`).join('');
}

/** All items of a namespace, or of all. */
export function listed(store: PointStore, namespace?: string): string[] {
  return texts(store.podStretches(namespace));
}

export function listedNodes(store: PointStore): string[] {
  return texts(store.nodeStretches());
}

function texts(stretches: readonly { encoded(encoding: Encoding): Encoded }[]): string[] {
  const joined = stretches.map((stretch) => stretch.encoded('json').bytes.toString('latin1')).join('');
  return joined === '' ? [] : joined.slice(1).split(',');
}
