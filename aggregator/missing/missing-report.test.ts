import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../agent/runtime/logger.ts';
import type { KubeletState } from '../intake/kubelet/turn.ts';
import type { PodRecord } from '../kube/records.ts';
import type { TestStore } from '../store/store.test-support.ts';
import {
  batch,
  container,
  containerIdentity,
  id,
  node,
  NODE_IDENTITY,
  pod,
  testStore,
  usageRow,
  WALL_MS,
} from '../store/store.test-support.ts';
import type { HpaRecord } from './hpa-record.ts';
import type { HpaTargets } from './hpa-targets.ts';
import { addMissingGauge } from './missing-metrics.ts';
import { MissingReport } from './missing-report.ts';
import { createRefusedPushes } from './refused-pushes.ts';
import type { RefusedPushes } from './refused-pushes.ts';

const MAIN = id('a1');
const main = container('main', MAIN);

let made: TestStore;
let elapsedMs: number;
let report: MissingReport;
let refused: RefusedPushes;
let hpas: HpaRecord[] | undefined;
let kubelets: Map<string, KubeletState>;
let refreshed: string[];
let lines: { msg: string; kind?: string; reason?: string }[];

const targets: HpaTargets = {
  refresh: (asked) => {
    refreshed.push(...asked.map(({ name }) => name));
    return Promise.resolve();
  },
  select: ({ namespace }, podsOf) => ({ kind: 'selected', selector: 'app', pods: [...podsOf(namespace)] }),
};

beforeEach(() => {
  made = testStore();
  elapsedMs = 0;
  refused = createRefusedPushes();
  hpas = [];
  kubelets = new Map();
  refreshed = [];
  lines = [];
  report = new MissingReport({
    store: made.store,
    kubeletOf: (name) => kubelets.get(name),
    refused,
    unknownHpas: () => hpas,
    targets,
    clock: () => elapsedMs,
    wallMs: () => WALL_MS + elapsedMs,
    log: createLogger('test', 'info', {}, { write: (text) => void lines.push(JSON.parse(text) as { msg: string }) }),
  });
  for (const name of ['n1', 'n2']) made.store.upsertNode(node(name));
  made.store.upsertPod(pod('web', [main]));
  made.store.upsertPod(pod('away', [container('main', id('b2'))], { nodeName: 'n2', namespace: 'other' }));
  made.store.upsertPod(pod('waits', [container('main', '', { running: false })], { phase: 'Pending' }));
});
afterEach(() => report.close());

function agentPushes(): void {
  made.push(batch({ identities: [NODE_IDENTITY, containerIdentity(1, MAIN)], rows: [usageRow(0), usageRow(1)] }));
}

function hpa(name: string, namespace = 'other'): HpaRecord {
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', name };
  const unknown = [{ resource: 'cpu', container: '', isUtilization: false }];
  return { uid: name, namespace, name, target, unknown, complaint: '' };
}

function answer(query = '') {
  return report.answer(new URLSearchParams(query));
}

describe('MissingReport', () => {
  it('answers with everything that is missing, and nothing that is served', () => {
    agentPushes();
    const { nodes, pods, hpas: none, truncated } = answer();
    expect(nodes).toEqual([
      {
        node: 'n2',
        reason: 'no_agent',
        kubelet: undefined,
        says: 'no agent has pushed since this aggregator began',
      },
    ]);
    expect(pods.map(({ namespace, pod: name, reason }) => [namespace, name, reason])).toEqual([
      ['default', 'waits', 'container_not_started'],
      ['other', 'away', 'node'],
    ]);
    expect({ none, truncated }).toEqual({ none: [], truncated: false });
    expect(JSON.parse(JSON.stringify(answer()))).toMatchObject({ at: '2026-11-23T12:00:00.250Z' });
  });

  it('joins what the intake and the fallback know', () => {
    refused.refused('n1', { code: 'unauthenticated', message: 'token expired', atMs: WALL_MS });
    kubelets.set('n2', { kind: 'failed', reason: 'tls', detail: 'unknown CA', failures: 1, sinceWallMs: WALL_MS });
    expect(answer().nodes).toMatchObject([
      { node: 'n1', reason: 'push_refused', code: 'unauthenticated' },
      { node: 'n2', reason: 'kubelet_scrape_failed', why: 'tls' },
    ]);
  });

  it('answers for one node, namespace or pod, and no more than asked for', () => {
    expect(answer('node=n2').nodes.map((one) => one.node)).toEqual(['n2']);
    expect(answer('node=n2').pods.map((one) => one.pod)).toEqual(['away']);
    expect(answer('namespace=default').nodes).toEqual([]);
    expect(answer('namespace=default').pods).toHaveLength(2);
    expect(answer('pod=web').pods).toHaveLength(1);
    expect(answer('limit=1')).toMatchObject({ nodes: [{ node: 'n1' }], pods: [{ pod: 'waits' }], truncated: true });
    expect(answer('limit=-5').pods).toHaveLength(3);
    expect(answer('limit=nonsense').pods).toHaveLength(3);
  });

  it('counts by kind and reason at each look, for the metric', async () => {
    const registry = new Registry();
    addMissingGauge(registry, () => report.counts());
    await report.look();
    expect(await registry.metrics()).toContain('headroom_missing{kind="pod",reason="no_agent"} 2');
    agentPushes();
    await report.look();
    const text = await registry.metrics();
    expect(text.split('\n').filter((line) => line.startsWith('headroom_missing{'))).toEqual([
      'headroom_missing{kind="node",reason="no_agent"} 1',
      'headroom_missing{kind="pod",reason="container_not_started"} 1',
      'headroom_missing{kind="pod",reason="no_agent"} 1',
    ]);
  });

  it('logs a silent node once, and not each of its pods nor what merely has not started', async () => {
    agentPushes();
    for (; elapsedMs <= 60_000; elapsedMs += 15_000) await report.look();
    expect(lines.map(({ kind, reason }) => [kind, reason])).toEqual([['node', 'no_agent']]);
  });

  it('explains an HPA by its pods', async () => {
    hpas = [hpa('away'), hpa('web', 'default')];
    await report.look();
    expect(refreshed).toEqual(['away', 'web']);
    expect(answer().hpas).toMatchObject([
      { namespace: 'default', hpa: 'web', why: [{ reason: 'metrics_missing', pod: 'web' }] },
      { namespace: 'other', hpa: 'away', why: [{ reason: 'metrics_missing', because: { reason: 'node' } }] },
    ]);
    expect(answer('namespace=other').hpas).toHaveLength(1);
    expect(report.counts()).toContainEqual({ kind: 'hpa', reason: 'metrics_missing', count: 2 });
  });

  it('says that HPAs can’t be seen rather than that none lacks anything', async () => {
    hpas = undefined;
    await report.look();
    expect(answer().hpas).toBe('unreadable');
  });

  it('looks once at a time', async () => {
    const one = report.look();
    expect(report.look()).toBe(one);
    await one;
  });

  it('takes a namespace of pods of any phase for an HPA', async () => {
    hpas = [hpa('done', 'jobs')];
    const done: PodRecord = pod('done', [main], { namespace: 'jobs', phase: 'Succeeded' });
    made.store.upsertPod(done);
    await report.look();
    expect(answer().hpas).toMatchObject([{ why: [{ reason: 'selector_matches_nothing' }] }]);
  });
});
