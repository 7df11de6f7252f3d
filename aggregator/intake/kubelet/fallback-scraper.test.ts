import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Registry } from 'prom-client';
import { silentLogger } from '../../../agent/runtime/logger.ts';
import { createClusterPki } from '../../standalone/pki.ts';
import type { ClusterPki } from '../../standalone/pki.ts';
import {
  batch,
  container,
  containerIdentity,
  id,
  MIB,
  node,
  NODE_IDENTITY,
  pod,
  STALENESS_MS,
  testStore,
  usageRow,
} from '../../store/store.test-support.ts';
import type { TestStore } from '../../store/store.test-support.ts';
import type { Usage } from '../../store/views.ts';
import { fixture, startFakeKubelet, status, text } from './fake-kubelet.test-support.ts';
import type { FakeKubelet } from './fake-kubelet.test-support.ts';
import { FallbackScraper } from './fallback-scraper.ts';
import { createKubeletHttp } from './kubelet-http.ts';
import { createKubeletMetrics } from './kubelet-metrics.ts';
import type { KubeletNode } from './kubelet-node.ts';

const RESOLUTION_MS = 15_000;
const GRACE_MS = 10_000;
const NOON_MS = Date.parse('2026-11-23T12:00:00Z');
const MAIN = id('a1');
const SIDE = id('b2');
const identities = [NODE_IDENTITY, containerIdentity(1, MAIN), containerIdentity(2, SIDE)];
const web = pod('web', [container('main', MAIN), container('side', SIDE)]);
const FROM_AGENT = `1000000000n ${100 * MIB} 1000000000n ${100 * MIB}`;
const FROM_KUBELET = `500000000n ${100 * MIB} 50000000n ${5 * MIB}`;

let pki: ClusterPki;
let kubelet: FakeKubelet;
let registry: Registry;
let scraper: FallbackScraper;
let made: TestStore;
let elapsedMs: number;
let sequence: number;

beforeAll(async () => {
  pki = await createClusterPki(Date.now());
});
beforeEach(async () => {
  kubelet = await startFakeKubelet(pki.serving);
  kubelet.answer = (response) => text(steadyAt(elapsedMs), NOON_MS + elapsedMs)(response);
  registry = new Registry();
  made = testStore();
  elapsedMs = 0;
  sequence = 0;
  made.store.upsertNode(node('n1'));
  made.store.upsertPod(web);
  const tls = { ca: pki.ca };
  const access = { tls: () => tls, headers: () => Promise.resolve({}) };
  scraper = new FallbackScraper({
    store: made.store,
    http: createKubeletHttp(access, 5000, 'test'),
    rules: { preferredAddressTypes: ['InternalIP'], port: kubelet.port, useNodeStatusPort: true },
    metrics: createKubeletMetrics(registry),
    resolutionMs: RESOLUTION_MS,
    stalenessMs: STALENESS_MS,
    graceMs: GRACE_MS,
    clock: () => elapsedMs,
    wallMs: () => NOON_MS + elapsedMs,
    log: silentLogger,
    random: () => 0.5,
  });
});
afterEach(async () => {
  await scraper.close();
  await kubelet.close();
});

/** What a kubelet would tell `ms` after noon: the recorded text with counters and timestamps moved on. */
function steadyAt(ms: number): string {
  const usedSeconds: Record<string, number> = { main: ms / 2000, side: ms / 20_000, dns: ms / 200_000 };
  return fixture('steady')
    .split('\n')
    .map((line) => {
      const parts = line.split(' ');
      if (line.startsWith('#') || parts.length !== 3) return line;
      const name = /container="(\w+)"/.exec(line)?.[1];
      const used = name === undefined ? ms / 1000 : usedSeconds[name]!;
      const value = /_cpu_/.test(line) ? Number(parts[1]) + used : parts[1];
      return `${parts[0]} ${value} ${Number(parts[2]) + ms}`;
    })
    .join('\n');
}

function kubeletNode(name: string, more: Partial<KubeletNode> = {}): KubeletNode {
  const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }];
  return { name, addresses, statusPort: 0, path: '/metrics/resource', ...more };
}

/** Lets `ms` pass, second by second as the timer does, every scrape done before the next. */
async function pass(ms: number): Promise<void> {
  for (let second = 0; second < ms / 1000; second++) {
    elapsedMs += 1000;
    made.advance(1000);
    scraper.tick();
    await scraper.settled();
  }
}

function servedPods(): string[] {
  return usageText(made.store.podItem('default', 'web')?.usage());
}

function servedNodes(): string[] {
  return usageText(made.store.nodeItem('n1')?.usage());
}

/** Nothing, or "<nanocores>n <bytes>" a container. */
function usageText(usage: Usage | undefined): string[] {
  if (usage === undefined) return [];
  const { count, cpuNanos, workingSetBytes } = usage;
  return [Array.from({ length: count }, (_, at) => `${cpuNanos[at]}n ${workingSetBytes[at]}`).join(' ')];
}

/** @param ageMs how old its readings are */
function agentPushes(ageMs = 0): void {
  const bootTimeMs = 100_000 + elapsedMs;
  made.push(
    batch({
      sequence: ++sequence,
      identities, // anew, since a store that has not heard of a node for long forgets its refs
      rows: [0, 1, 2].map((ref) => usageRow(ref, { atBootMs: bootTimeMs - ageMs })),
      bootTimeMs,
    }),
  );
}

describe('FallbackScraper', () => {
  it('serves a node that never had an agent, from its second reading on', async () => {
    scraper.upsertNode(kubeletNode('n1'));
    await pass(9000);
    expect(kubelet.seen).toEqual([]);
    expect(scraper.stateOf('n1')).toEqual({ kind: 'agent' });
    await pass(1000);
    expect(scraper.stateOf('n1')).toEqual({ kind: 'first' });
    expect(servedPods()).toEqual([]);
    await pass(15_000);
    expect(servedPods()).toEqual([FROM_KUBELET]);
    expect(servedNodes()).toEqual([`1000000000n ${2048 * MIB + 12_288}`]);
    expect(made.store.podItem('default', 'web')!.usage()).toMatchObject({
      windowUs: 15_000_000,
      atWallMs: Date.parse('2026-11-23T12:00:25Z') - 4200, // of the container that was read first
    });
    expect(scraper.stateOf('n1')).toEqual({ kind: 'scraped', atWallMs: NOON_MS + 25_000 });
  });

  it('asks each period, on one connection', async () => {
    scraper.upsertNode(kubeletNode('n1'));
    await pass(10_000 + 60_000);
    expect(kubelet.seen.map(({ connection }) => connection)).toEqual([1, 1, 1, 1, 1]);
  });

  it('leaves a node alone whose agent pushes', async () => {
    scraper.upsertNode(kubeletNode('n1'));
    for (let push = 0; push < 12; push++) {
      agentPushes();
      await pass(5000);
    }
    expect(kubelet.seen).toEqual([]);
  });

  it('takes over from an agent that dies without a hole, and gives way to one that comes back without a double', async () => {
    scraper.upsertNode(kubeletNode('n1'));
    agentPushes();
    const served: string[] = [];
    for (let second = 0; second < 120; second++) {
      await pass(1000);
      served.push(...servedPods());
    }
    const askedBefore = kubelet.seen.length;
    agentPushes();
    expect(servedPods()).toEqual([FROM_AGENT]);
    await pass(5000);
    agentPushes();
    await pass(20_000);
    expect(served).toHaveLength(120);
    expect([...new Set(served)]).toEqual([FROM_AGENT, FROM_KUBELET]);
    expect(served.lastIndexOf(FROM_AGENT)).toBeLessThan(served.indexOf(FROM_KUBELET));
    expect(kubelet.seen).toHaveLength(askedBefore);
    expect(servedPods()).toEqual([FROM_AGENT]);
    expect(scraper.stateOf('n1')).toEqual({ kind: 'agent' });
  });

  it('drops an answer that an agent’s push has overtaken', async () => {
    scraper.upsertNode(kubeletNode('n1'));
    await pass(10_000 + 14_000);
    elapsedMs += 1000;
    made.advance(1000);
    scraper.tick();
    agentPushes(10_000); // older than what the kubelet is about to say
    await scraper.settled();
    expect(kubelet.seen).toHaveLength(2);
    expect(servedPods()).toEqual([FROM_AGENT]);
  });

  it('serves what is good of a text with bad lines', async () => {
    kubelet.answer = (response) =>
      text(`${steadyAt(elapsedMs)}\ncontainer_cpu_usage_seconds_total{ -1\n`, NOON_MS + elapsedMs)(response);
    scraper.upsertNode(kubeletNode('n1'));
    await pass(25_000);
    expect(servedPods()).toEqual([FROM_KUBELET]);
  });

  it('keeps a node served over a failed scrape, says why it failed, and asks less often', async () => {
    scraper.upsertNode(kubeletNode('n1'));
    await pass(25_000);
    kubelet.answer = status(403);
    await pass(15_000);
    expect(servedPods()).toEqual([FROM_KUBELET]);
    expect(scraper.stateOf('n1')).toMatchObject({ kind: 'failed', reason: 'forbidden', failures: 1 });
    const before = kubelet.seen.length;
    await pass(180_000);
    expect(kubelet.seen.length - before).toBe(4); // after 15, 30, 60 and 60 s
    expect(servedPods()).toEqual([]);
    expect(scraper.stateOf('n1')).toMatchObject({ failures: 5, sinceWallMs: NOON_MS + 40_000 });
  });

  it('says of a node without a usable address, or without numbers, what is wrong', async () => {
    scraper.upsertNode(kubeletNode('n1', { addresses: [] }));
    scraper.upsertNode(kubeletNode('n2'));
    kubelet.answer = text(fixture('no-stats'));
    await pass(16_000);
    expect(scraper.stateOf('n1')).toMatchObject({
      reason: 'no_address',
      detail: 'no address matched types InternalIP',
    });
    expect(scraper.stateOf('n2')).toMatchObject({
      reason: 'unreadable',
      detail: 'the kubelet could not read its own metrics',
    });
  });

  it('does not let a kubelet that hangs delay the others', async () => {
    const hangs = await startFakeKubelet(pki.serving);
    hangs.answer = () => undefined;
    scraper.upsertNode(kubeletNode('hangs', { statusPort: hangs.port }));
    scraper.upsertNode(kubeletNode('n1'));
    elapsedMs += 10_000;
    scraper.tick(); // both fall due within the spread
    elapsedMs += 1000;
    scraper.tick();
    await untilTrue(() => scraper.stateOf('n1')?.kind === 'first' && hangs.seen.length === 1);
    expect(scraper.stateOf('hangs')).toEqual({ kind: 'due' });
    await scraper.close();
    await hangs.close();
  });

  it('spreads nodes that fall due together, and keeps to its bound of scrapes at once', async () => {
    let atOnce = 0;
    const waiting: (() => void)[] = [];
    kubelet.answer = (response) => {
      atOnce++;
      waiting.push(() => text('node_cpu_usage_seconds_total 1')(response));
    };
    for (let at = 0; at < 100; at++) scraper.upsertNode(kubeletNode(`n${at}`, { path: `/${at}` }));
    elapsedMs += 10_000;
    scraper.tick();
    expect(kubelet.seen).toEqual([]);
    elapsedMs += 1000;
    scraper.tick();
    scraper.tick();
    // One origin, one connection: what is under way waits for it.
    expect(states('due')).toBe(100);
    await untilTrue(() => atOnce === 1);
    while (waiting.length > 0) {
      waiting.shift()!();
      await untilTrue(() => waiting.length > 0 || states('first') === 64);
    }
    expect({ first: states('first'), due: states('due') }).toEqual({ first: 64, due: 36 });
    function states(kind: string): number {
      return Array.from({ length: 100 }, (_, at) => scraper.stateOf(`n${at}`)?.kind).filter((one) => one === kind)
        .length;
    }
  });

  it('counts requests, and lets a node’s series go with the node', async () => {
    scraper.upsertNode(kubeletNode('n1'));
    await pass(10_000);
    kubelet.answer = status(500);
    await pass(15_000);
    const lines = (await registry.metrics()).split('\n');
    expect(lines).toContain('metrics_server_kubelet_request_total{success="true"} 1');
    expect(lines).toContain('metrics_server_kubelet_request_total{success="false"} 1');
    expect(lines).toContain('metrics_server_kubelet_request_duration_seconds_count{node="n1"} 2');
    expect(lines).toContain(`metrics_server_kubelet_last_request_time_seconds{node="n1"} ${(NOON_MS + 25_000) / 1000}`);
    scraper.removeNode('n1');
    expect(scraper.stateOf('n1')).toBeUndefined();
    expect(await registry.metrics()).not.toContain('n1');
  });

  it('ends what is under way when it is closed', async () => {
    kubelet.answer = () => undefined;
    scraper.upsertNode(kubeletNode('n1'));
    elapsedMs += 10_000;
    scraper.start();
    scraper.tick();
    await untilTrue(() => kubelet.seen.length === 1);
    await scraper.close();
    expect(scraper.stateOf('n1')).toEqual({ kind: 'due' });
  });
});

async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
