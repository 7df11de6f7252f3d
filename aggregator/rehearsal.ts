// The way of a shortage from its push to its patch and to its end is gone seldom, and the first time is by far the slowest: code is compiled
// when it first runs (npm run bench -- shortage). So a process goes it before, some seconds after its start. The parts between the bytes of a push
// and the patch are the real ones; connections, logs and metrics are not, and the pod is nowhere.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BATCH_BINARY_V1 } from '../agent/protocol/batch.ts';
import type { Batch } from '../agent/protocol/batch.ts';
import { encodeBatch } from '../agent/protocol/codec.ts';
import { CPU_SCHEME } from '../agent/protocol/histogram-scheme.ts';
import type { Shortage } from '../agent/protocol/shortage.ts';
import type { Clock } from '../agent/runtime/clock.ts';
import type { Logger } from '../agent/runtime/logger.ts';
import { silentLogger } from '../agent/runtime/logger.ts';
import { metricsEncoders } from './api/item-encoder.ts';
import { watchClockSkew } from './intake/clock-skew.ts';
import { watchPushRefusals } from './intake/push-refusals.ts';
import { takeBody, wantedOfPushes } from './intake/push-route.ts';
import type { BatchParts } from './intake/push-route.ts';
import { createKubeClient } from './kube/client.ts';
import { EventRecorder } from './kube/events.ts';
import type { KubeAnswer, KubeCall } from './kube/http.ts';
import type { JsonPatchOp } from './kube/json-patch.ts';
import { projectPod } from './kube/project-pod.ts';
import { memoryBytes } from './kube/quantity.ts';
import type { NodeRecord } from './kube/records.ts';
import type { WirePod } from './kube/wire.ts';
import { Resizer } from './resize/resizer.ts';
import { PointStore } from './store/point-store.ts';

/** Its start is over by then, and a process that ends soon was not kept busy with it. */
const AFTER_MS = 10_000;
/** Promises in a row between a push and its patch are done within so many turns of the event loop. */
const MOST_TURNS = 16;

const MIB = 2 ** 20;
const NODE: NodeRecord = { name: 'rehearsal', labels: {}, allocatable: { cpuMillis: 1000, memoryBytes: 1024 * MIB } };
const POD_UID = '00000000-0000-0000-0000-000000000000';
const CONTAINER_ID = '0'.repeat(64);
const LIMIT = '64Mi';

/** @returns how to stop; a rehearsal itself is over in some milliseconds */
export function rehearseSoon(log: Logger, clock: Clock, play = rehearse): () => void {
  const timer = setTimeout(() => void playWatched(log, clock, play), AFTER_MS).unref();
  return () => clearTimeout(timer);
}

async function playWatched(log: Logger, clock: Clock, play: typeof rehearse): Promise<void> {
  try {
    const { ends } = await play(clock);
    if (ends.at(-1) !== 'applied') log.error({ ends }, 'a rehearsed shortage came to no good end');
  } catch (err) {
    log.error({ err }, 'a shortage could not be rehearsed');
  }
}

export interface Rehearsed {
  /** What was counted of the resize, in order: 'accepted', 'applied'. */
  readonly ends: readonly string[];
  /** From the bytes of the push to the patch, ms; NaN: there was none. */
  readonly toPatchMs: number;
}

export async function rehearse(clock: Clock): Promise<Rehearsed> {
  const [monoMs, wallMs] = [() => clock.bootTimeMs(), () => clock.wallTimeMs()];
  const log = silentLogger;
  const store = new PointStore({ ...metricsEncoders, clock: monoMs, wallMs, stalenessMs: 60_000, log, maxSlots: 2 });
  store.upsertNode(NODE);
  store.upsertPod(projectPod(podWith(LIMIT))!);
  const server = apiServer();
  const kube = createKubeClient(server);
  const events = new EventRecorder({ kube, clock, log, instance: NODE.name });
  const ends: string[] = [];
  const resizer = new Resizer({
    mode: 'on',
    kube,
    leads: () => true,
    node: (name) => store.nodeItem(name)?.record,
    pod: (uid) => store.pod(uid),
    observation: (containerId) => store.observation(containerId),
    events,
    count: (_, end) => void ends.push(end),
    clock,
    log,
  });
  const parts: BatchParts = {
    store,
    log,
    clock: monoMs,
    wallMs,
    onShortage: (event) => resizer.onShortage(event),
    onEarlyShortage: () => undefined,
    onObserved: (containerId, observation) => resizer.onObserved(containerId, observation),
    fencing: () => 1,
    metrics: { shortage: () => undefined },
  };
  const watch = { skew: watchClockSkew(log), refusals: watchPushRefusals(log, monoMs), wanted: wantedOfPushes() };
  const push = (body: Uint8Array): unknown => takeBody(body, BATCH_BINARY_V1, NODE.name, parts, watch);
  const atMs = Math.round(monoMs());
  try {
    const short = bodyOf({ sequence: 1, atMs, wallMs: wallMs(), limitBytes: bytesOf(LIMIT), isShort: true });
    const pushedMs = performance.now();
    push(short);
    for (let turn = 0; turn < MOST_TURNS && ends.length === 0; turn++) await nextTurn();
    push(
      bodyOf({ sequence: 2, atMs: atMs + 1, wallMs: wallMs(), limitBytes: bytesOf(server.limit()), isShort: false }),
    );
    return { ends, toPatchMs: server.patchedMs() - pushedMs };
  } finally {
    await resizer.close();
    await events.close();
  }
}

interface ApiServer {
  call(call: KubeCall): Promise<KubeAnswer>;
  limit(): string;
  /** performance.now() */
  patchedMs(): number;
}

/** Of one pod; it takes what it is told and answers with the pod as patched. */
function apiServer(): ApiServer {
  let limit = LIMIT;
  let patchedMs = NaN;
  return {
    limit: () => limit,
    patchedMs: () => patchedMs,
    call: ({ method, body }) => {
      if (method === 'PATCH') {
        patchedMs = performance.now();
        const write = (body as readonly JsonPatchOp[]).find(({ op }) => op === 'replace');
        if (typeof write?.value === 'string') limit = write.value;
      }
      return Promise.resolve({
        status: 200,
        retryAfterSeconds: 0,
        body: podWith(limit),
        answeredMs: performance.now(),
      });
    },
  };
}

function bytesOf(limit: string): number {
  return Number(memoryBytes(limit));
}

function podWith(limit: string): WirePod {
  return {
    metadata: {
      uid: POD_UID,
      name: NODE.name,
      namespace: NODE.name,
      annotations: { 'headroom.dev/resize': 'true', 'headroom.dev/max-memory': '1Gi' },
    },
    spec: {
      nodeName: NODE.name,
      containers: [{ name: 'main', resources: { requests: { memory: '32Mi' }, limits: { memory: limit } } }],
    },
    status: {
      phase: 'Running',
      qosClass: 'Burstable',
      containerStatuses: [
        { name: 'main', containerID: `containerd://${CONTAINER_ID}`, state: { running: {} }, resources: {} },
      ],
    },
  };
}

interface Reading {
  readonly sequence: number;
  /** CLOCK_BOOTTIME, ms. */
  readonly atMs: number;
  readonly wallMs: number;
  readonly limitBytes: number;
  readonly isShort: boolean;
}

function bodyOf(reading: Reading): Uint8Array {
  return encodeBatch(batchOf(reading), BATCH_BINARY_V1);
}

function batchOf({ sequence, atMs, wallMs, limitBytes, isShort }: Reading): Batch {
  const need = 0.9 * bytesOf(LIMIT);
  const shortage: Shortage = {
    ref: 1,
    resource: 'memory',
    kind: 'limit-approach',
    raisedBootMs: atMs,
    secondsToHarm: 4,
    need,
    limit: limitBytes,
    rate: 2 * MIB,
    secondsOfGrowth: 10,
  };
  const columns = { atBootMs: atMs, memoryCurrentBytes: need, workingSetBytes: need, memoryLimitBytes: limitBytes };
  const none = { row: new Uint32Array(0), bucket: new Uint16Array(0), seconds: new Uint32Array(0) };
  return {
    node: NODE.name,
    agentVersion: NODE.name,
    bootId: NODE.name,
    epoch: 1,
    sequence,
    bootTimeMs: atMs,
    wallTimeMs: wallMs,
    identities: [
      { ref: 1, kind: 'container', podUid: POD_UID, containerId: CONTAINER_ID, cgroup: NODE.name, startBootMs: 1 },
    ],
    gone: [],
    reports: {
      count: 1,
      ref: Uint32Array.of(1),
      values: Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, Float64Array.of(value)])),
    },
    histogram: { scheme: CPU_SCHEME, ...none },
    shortages: isShort ? [shortage] : [],
  };
}
