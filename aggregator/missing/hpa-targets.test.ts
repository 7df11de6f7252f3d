import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { json, startFakeKube } from '../../test/fixtures/kube/fake-kube.ts';
import type { FakeKube } from '../../test/fixtures/kube/fake-kube.ts';
import { container, id, pod } from '../store/store.test-support.ts';
import type { HpaRecord } from './hpa-record.ts';
import { createHpaTargets } from './hpa-targets.ts';
import type { HpaTargets } from './hpa-targets.ts';

const web = pod('web', [container('main', id('a1'))]);
const other = pod('other', [container('main', id('b2'))]);

let kube: FakeKube;
let nowMs: number;
let targets: HpaTargets;

beforeEach(async () => {
  kube = await startFakeKube();
  nowMs = 0;
  targets = createHpaTargets(kube.http, { bootTimeMs: () => nowMs, wallTimeMs: () => 0 }, silentLogger);
});
afterEach(() => kube.close());

function hpa(name = 'web', kind = 'Deployment'): HpaRecord {
  const unknown = [{ resource: 'cpu', container: '', isUtilization: true }];
  return {
    uid: `u-${name}`,
    namespace: 'default',
    name,
    target: { apiVersion: 'apps/v1', kind, name },
    unknown,
    complaint: '',
  };
}

function refresh(...hpas: readonly HpaRecord[]): Promise<void> {
  return targets.refresh(hpas, new AbortController().signal);
}

function select(one: HpaRecord) {
  return targets.select(one, () => [web, other]);
}

function scale(selector: string | undefined) {
  return json(200, { kind: 'Scale', status: { replicas: 1, ...(selector === undefined ? {} : { selector }) } });
}

describe('createHpaTargets', () => {
  it.each([
    ['Deployment', '/apis/apps/v1/namespaces/default/deployments/web/scale'],
    ['StatefulSet', '/apis/apps/v1/namespaces/default/statefulsets/web/scale'],
    ['ReplicaSet', '/apis/apps/v1/namespaces/default/replicasets/web/scale'],
    ['ReplicationController', '/api/v1/namespaces/default/replicationcontrollers/web/scale'],
  ])('selects the pods of a %s by its scale', async (kind, path) => {
    const one = hpa('web', kind);
    expect(select(one)).toMatchObject({ kind: 'unknown', detail: 'it has not been looked up yet' });
    kube.calls.push(scale('app in (web)'));
    await refresh(one);
    expect(kube.seen.map(({ url }) => url.pathname)).toEqual([path]);
    expect(select(one)).toEqual({ kind: 'selected', selector: 'app in (web)', pods: [web] });
  });

  it('asks for a target once in two minutes', async () => {
    kube.calls.push(scale('app=web'), json(404, {}));
    await refresh(hpa(), hpa());
    nowMs = 119_999;
    await refresh(hpa());
    expect(kube.seen).toHaveLength(1);
    nowMs = 120_000;
    await refresh(hpa());
    expect(kube.seen).toHaveLength(2);
    expect(select(hpa())).toEqual({ kind: 'no_target' });
  });

  it('asks for no more than twenty targets a round', async () => {
    const hpas = Array.from({ length: 25 }, (_, at) => hpa(`web-${at}`));
    for (const _ of hpas) kube.calls.push(scale('app=web'));
    await refresh(...hpas);
    expect(kube.seen).toHaveLength(20);
    await refresh(...hpas);
    expect(kube.seen).toHaveLength(25);
  });

  it('tells an empty selector, a missing right, an error and a selector that it can’t read', async () => {
    kube.calls.push(scale(undefined), json(403, {}), json(500, {}), scale('a=='), scale('a in b'));
    const hpas = ['a', 'b', 'c', 'd', 'e'].map((name) => hpa(name));
    await refresh(...hpas);
    expect(hpas.map(select)).toMatchObject([
      { kind: 'empty_selector' },
      { kind: 'unknown', detail: 'no right to get the scale subresource of Deployment b' },
      { kind: 'unknown', detail: 'the API server answered 500' },
      { kind: 'selected', pods: [] },
      { kind: 'unknown', detail: expect.stringContaining('selector a in b:') as string },
    ]);
  });

  it('looks up no kinds that it knows no collection of', async () => {
    const one = hpa('web', 'Rollout');
    await refresh(one);
    expect(kube.seen).toEqual([]);
    expect(select(one)).toEqual({ kind: 'unknown', detail: 'targets of kind Rollout are not looked up' });
  });

  it('says when the API server can’t be asked', async () => {
    await kube.close();
    await refresh(hpa());
    expect(select(hpa())).toMatchObject({
      kind: 'unknown',
      detail: expect.stringContaining("the API server can't be asked") as string,
    });
    kube = await startFakeKube();
  });
});
