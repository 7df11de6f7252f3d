// The API bench's other process: the real store and the real server, and beside it a bare node:https handler that gives out
// the same bytes, which is the least that any server in this runtime would cost. Told what to do by messages of its parent.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { createAdmit } from '../../aggregator/api/access.ts';
import { createIdentify } from '../../aggregator/api/identity.ts';
import { createMetricsServer } from '../../aggregator/api/metrics-server.ts';
import { metricsEncoders } from '../../aggregator/api/item-encoder.ts';
import { createHealth } from '../../aggregator/health.ts';
import { fixedTrust } from '../../aggregator/kube/client-trust.ts';
import type { ReviewToken } from '../../aggregator/kube/token-review.ts';
import { createAggregatorMetrics } from '../../aggregator/metrics.ts';
import { PointStore } from '../../aggregator/store/point-store.ts';
import { NODES, nodeRecord, PODS_PER_NODE, podRecord, pushSource } from './api-cluster.ts';

export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export type Order =
  | { readonly kind: 'start'; readonly credentials: Credentials }
  /** Every node pushes: no item stays as it is. */
  | { readonly kind: 'push' }
  /** What the bare handler is to give out. */
  | { readonly kind: 'bare_body'; readonly bytes: number }
  | { readonly kind: 'cpu' };

export interface Reply {
  readonly ports?: { readonly api: number; readonly bare: number };
  /** CPU of this process since its start, all threads, ms. */
  readonly cpuMs: number;
  readonly rssBytes: number;
}

const store = new PointStore({
  ...metricsEncoders,
  clock: () => performance.now(),
  wallMs: Date.now,
  stalenessMs: 3_600_000,
  log: silentLogger,
});

const metrics = createAggregatorMetrics({ counts: () => store.counts(), clockSkews: () => store.clockSkews() });

const sources = Array.from({ length: NODES }, (_, node) => pushSource(node));
const SETTLE_MS = 100;
let sequence = 0;
let bareBody = Buffer.alloc(0);

function push(): void {
  sequence++;
  for (let node = 0; node < NODES; node++) {
    const accepted = store.accept(sources[node]!.push(sequence, Date.now()), performance.now(), Date.now());
    if (accepted.kind !== 'accepted') throw new Error(`push of node ${node}: ${accepted.kind}`);
  }
}

async function start({ ca, cert, key }: Credentials): Promise<Reply['ports']> {
  for (let node = 0; node < NODES; node++) store.upsertNode(nodeRecord(node));
  for (let pod = 0; pod < NODES * PODS_PER_NODE; pod++) store.upsertPod(podRecord(pod));
  push();
  const trust = fixedTrust({ clientCa: ca, frontProxy: undefined });
  const monoMs = (): number => performance.now();
  const nobody: ReviewToken = () => Promise.resolve({ kind: 'rejected', reason: 'no tokens here' });
  const api = createMetricsServer({
    tls: { cert, key },
    trust,
    admit: createAdmit({
      identify: createIdentify({ trust, reviewToken: nobody, tokenTtlMs: 10_000, monoMs, wallMs: Date.now }),
      reviewAccess: () => Promise.resolve({ kind: 'allowed' }),
      alwaysAllowPaths: [],
      authorizedTtlMs: 10_000,
      unauthorizedTtlMs: 10_000,
      monoMs,
    }),
    source: store,
    health: createHealth({ livez: [], readyz: [] }),
    metricsText: () => Promise.resolve({ contentType: 'text/plain', body: '' }),
    missing: () => ({}),
    // As the aggregator wires it.
    gaveOut: metrics.gaveOut,
    log: silentLogger,
  });
  const bare = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false }, (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': bareBody.length });
    response.end(bareBody);
  });
  await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve));
  return { api: await api.listen('127.0.0.1', 0), bare: (bare.address() as AddressInfo).port };
}

async function obey(order: Order): Promise<void> {
  const ports = order.kind === 'start' ? await start(order.credentials) : undefined;
  if (order.kind === 'push') {
    push();
    // The collector's threads end what the pushes began: that is the pushes' cost and not the next list's.
    await delay(SETTLE_MS);
  }
  if (order.kind === 'bare_body') bareBody = Buffer.alloc(order.bytes, 0x20);
  const { user, system } = process.cpuUsage();
  const reply: Reply = {
    ...(ports ? { ports } : {}),
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage().rss,
  };
  process.send!(reply);
}

process.on('message', (order: Order) => void obey(order));
process.on('disconnect', () => process.exit(0));
