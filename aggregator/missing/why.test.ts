import { describe, expect, it } from 'vitest';
import type { KubeletState } from '../intake/kubelet/turn.ts';
import type { PodRecord } from '../kube/records.ts';
import type { SlotGap } from '../store/gaps.ts';
import { container, id, pod } from '../store/store.test-support.ts';
import type { NodeKnowledge } from './why-node.ts';
import { whyNode } from './why-node.ts';
import { whyPod } from './why-pod.ts';
import { sayNode, sayPod } from './why-text.ts';

const NOW_MS = Date.parse('2026-11-23T12:00:00Z');
const ALIVE: NodeKnowledge = { silentMs: 3000, skewMs: 0, kubelet: { kind: 'agent' }, refused: undefined };
const NEVER: NodeKnowledge = { silentMs: NaN, skewMs: NaN, kubelet: undefined, refused: undefined };
const STALE: SlotGap = { kind: 'stale', ageMs: 90_000 };
const NO_ROW: SlotGap = { kind: 'no_row' };
const FORBIDDEN: KubeletState = {
  kind: 'failed',
  reason: 'forbidden',
  detail: 'request failed, status: 403',
  failures: 4,
  sinceWallMs: NOW_MS - 60_000,
};
const refused = { code: 'forbidden', message: 'token of another node', atMs: NOW_MS - 1000 } as const;

function node(known: Partial<NodeKnowledge>, gap: SlotGap = NO_ROW) {
  return whyNode({ ...NEVER, ...known }, gap, NOW_MS);
}

describe('whyNode', () => {
  it('names the agent that never was, with how far its substitute is', () => {
    expect(node({})).toEqual({ reason: 'no_agent', kubelet: undefined });
    expect(node({ kubelet: { kind: 'first' } })).toEqual({ reason: 'no_agent', kubelet: 'first' });
    expect(sayNode(node({ kubelet: { kind: 'due' } }))).toBe(
      'no agent has pushed since this aggregator began; its kubelet is being asked',
    );
  });

  it('names the time since when an agent is silent', () => {
    const why = node({ silentMs: 90_000 }, STALE);
    expect(why).toEqual({ reason: 'agent_silent', sinceMs: NOW_MS - 90_000, kubelet: undefined });
    expect(sayNode(why)).toBe('its agent is silent since 2026-11-23T11:58:30Z');
  });

  it('names the refusal before the silence that follows from it', () => {
    const why = node({ silentMs: 90_000, refused, kubelet: FORBIDDEN }, STALE);
    expect(why).toEqual({ reason: 'push_refused', ...refused });
    expect(sayNode(why)).toContain('refused, last at 2026-11-23T11:59:59Z: forbidden: token of another node');
  });

  it('holds no refusal against an agent whose push was taken since', () => {
    const old = { ...refused, atMs: NOW_MS - 91_000 };
    expect(node({ silentMs: 90_000, refused: old }, STALE).reason).toBe('agent_silent');
  });

  it('names why the kubelet can’t stand in', () => {
    const why = node({ kubelet: FORBIDDEN });
    expect(why).toMatchObject({ reason: 'kubelet_scrape_failed', why: 'forbidden', failures: 4 });
    expect(sayNode(why)).toContain("can't be scraped since 2026-11-23T11:59:00Z: forbidden: request failed");
  });

  it.each<[SlotGap, Partial<NodeKnowledge>, string]>([
    [NO_ROW, {}, 'not_reported'],
    [{ kind: 'no_rate' }, {}, 'younger_than_first_value'],
    [{ kind: 'no_slot' }, {}, 'store_full'],
    [STALE, {}, 'stale_readings'],
    [STALE, { skewMs: -3_600_000 }, 'clock_skew'],
    [STALE, { silentMs: NaN, kubelet: { kind: 'scraped', atWallMs: NOW_MS } }, 'stale_readings'],
  ])('looks at %j where numbers arrive (%j): %s', (gap, known, reason) => {
    expect(whyNode({ ...ALIVE, ...known }, gap, NOW_MS).reason).toBe(reason);
  });
});

const MAIN = id('a1');
const web = pod('web', [container('main', MAIN)]);

function whyOf(record: PodRecord, gap: SlotGap | undefined, known: NodeKnowledge = ALIVE) {
  const first = gap === undefined ? undefined : { container: record.containers[0]!.name, gap };
  return whyPod({ record, first }, () => known, NOW_MS);
}

describe('whyPod', () => {
  it('blames the node when nothing is known of it', () => {
    const why = whyOf(web, NO_ROW, NEVER);
    expect(why).toEqual({ reason: 'node', node: 'n1', because: { reason: 'no_agent', kubelet: undefined } });
    expect(sayPod(why)).toBe('node n1: no agent has pushed since this aggregator began');
  });

  it('says of a pod without a node that it has none', () => {
    expect(whyOf({ ...web, nodeName: '' }, undefined, NEVER)).toEqual({ reason: 'not_scheduled' });
  });

  it('says of a pod in which nothing runs what waits, and why if that is known', () => {
    const waits = container('main', '', { running: false });
    expect(whyOf(pod('web', [waits]), undefined)).toEqual({
      reason: 'container_not_started',
      container: 'main',
      waiting: '',
    });
    const pulls = { ...container('side', '', { running: false }), waiting: 'ImagePullBackOff' };
    const why = whyOf(pod('web', [waits, pulls]), undefined);
    expect(sayPod(why)).toBe('no container runs; side: ImagePullBackOff');
  });

  it.each<[SlotGap, string]>([
    [NO_ROW, 'not_reported'],
    [{ kind: 'no_rate' }, 'younger_than_first_value'],
    [{ kind: 'no_slot' }, 'store_full'],
    [STALE, 'stale_readings'],
  ])('names the container with %j: %s', (gap, reason) => {
    expect(whyOf(web, gap)).toMatchObject({ reason, container: 'main' });
  });

  it('takes a running container without an id for one that has not started', () => {
    expect(whyOf(pod('web', [container('main', '')]), { kind: 'no_slot' })).toMatchObject({
      reason: 'container_not_started',
    });
  });
});
