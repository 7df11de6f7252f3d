import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WireObject } from '../kube/wire.ts';
import { container, id, pod } from '../store/store.test-support.ts';
import type { HpaRecord } from './hpa-record.ts';
import { projectHpa } from './hpa-record.ts';
import type { Selection } from './why-hpa.ts';
import { whyHpa } from './why-hpa.ts';
import { sayHpa } from './why-text.ts';
import type { PodWhy } from './why.ts';

const requests = { cpuMillis: 500 };
const main = container('main', id('a1'), { requests });
const YOUNG: PodWhy = { reason: 'younger_than_first_value', container: 'main' };

function wireHpa(metrics: readonly object[], currentMetrics: unknown, conditions: readonly object[] = []): WireObject {
  return {
    metadata: { uid: 'u1', namespace: 'default', name: 'web' },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, metrics },
    status: { currentMetrics, conditions },
  } as WireObject;
}

const CPU = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 20 } } };
const MEMORY_OF_MAIN = {
  type: 'ContainerResource',
  containerResource: { name: 'memory', container: 'main', target: { type: 'AverageValue', averageValue: '1Gi' } },
};

describe('projectHpa', () => {
  it('finds the resource metrics that kubectl shows as unknown', () => {
    const external = { type: 'External', external: {} };
    const hpa = projectHpa(wireHpa([external, CPU, MEMORY_OF_MAIN], [{ type: '' }, { type: '' }]))!;
    expect(hpa.unknown).toEqual([
      { resource: 'cpu', container: '', isUtilization: true },
      { resource: 'memory', container: 'main', isUtilization: false },
    ]);
    expect(hpa.target).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' });
  });

  it('takes zero for a value, and a value of the other kind for none', () => {
    const zero = [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 0 } } }];
    expect(projectHpa(wireHpa([CPU], zero))!.unknown).toEqual([]);
    const amount = [{ type: 'Resource', resource: { name: 'cpu', current: { averageValue: '5m' } } }];
    expect(projectHpa(wireHpa([CPU], amount))!.unknown).toHaveLength(1);
    const memory = [{ type: 'ContainerResource', containerResource: { current: { averageValue: '5Mi' } } }];
    expect(projectHpa(wireHpa([MEMORY_OF_MAIN], memory))!.unknown).toEqual([]);
  });

  it('keeps what the controller complains of', () => {
    const active = { type: 'ScalingActive', status: 'False', message: 'missing request for cpu' };
    expect(projectHpa(wireHpa([CPU], null, [{ type: 'AbleToScale', status: 'True' }, active]))!.complaint).toBe(
      'missing request for cpu',
    );
    expect(projectHpa(wireHpa([CPU], null))!.complaint).toBe('');
  });

  it('never throws on metrics of any shape', () => {
    const part = fc.oneof(fc.object(), fc.constant(null), fc.constant({ target: null, current: null }));
    const type = fc.constantFrom('Resource', 'ContainerResource', 'Object', '');
    const metric = fc.oneof(fc.record({ type, resource: part, containerResource: part }), fc.constant(null));
    fc.assert(
      fc.property(fc.array(metric), fc.array(metric), (spec, status) => {
        expect(projectHpa(wireHpa(spec as object[], status))).toMatchObject({ name: 'web' });
      }),
    );
    expect(projectHpa({ metadata: { name: 'x' } })).toBeUndefined();
  });
});

const unknownCpu: HpaRecord = projectHpa(wireHpa([CPU], null))!;
const unknownMemory: HpaRecord = projectHpa(wireHpa([MEMORY_OF_MAIN], null))!;

function selected(...pods: readonly ReturnType<typeof pod>[]): Selection {
  return { kind: 'selected', selector: 'app=web', pods };
}

function reasons(hpa: HpaRecord, selection: Selection, gaps: readonly string[] = []): string[] {
  return whyHpa(hpa, selection, ({ name }) => (gaps.includes(name) ? YOUNG : undefined)).map(({ reason }) => reason);
}

describe('whyHpa', () => {
  it('has nothing to say of an HPA that shows all its values', () => {
    expect(reasons({ ...unknownCpu, unknown: [] }, { kind: 'no_target' })).toEqual([]);
  });

  it.each<[Selection, readonly string[]]>([
    [{ kind: 'no_target' }, ['target_not_found']],
    [{ kind: 'empty_selector' }, ['selector_empty']],
    [selected(), ['selector_matches_nothing']],
    [selected(pod('done', [main], { phase: 'Succeeded' })), ['selector_matches_nothing']],
    [{ kind: 'unknown', detail: 'no right' }, ['selector_unknown', 'controller']],
  ])('says of the target %j: %j', (selection, expected) => {
    expect(reasons({ ...unknownCpu, complaint: 'failed to get cpu' }, selection)).toEqual(expected);
  });

  it('finds the container without a request, sidecars too, but not an init container', () => {
    const bare = container('side', id('b2'), { kind: 'sidecar' });
    const init = container('init', id('c3'), { kind: 'init' });
    expect(whyHpa(unknownCpu, selected(pod('web', [main, init, bare])), () => undefined)).toEqual([
      { reason: 'request_missing', resource: 'cpu', pod: 'web', container: 'side' },
    ]);
    expect(reasons(unknownCpu, selected(pod('web', [main, init])))).toEqual(['controller']);
  });

  it('asks no request of an average amount, nor of a pod that has its own', () => {
    const bare = container('main', id('a1'));
    expect(reasons(unknownMemory, selected(pod('web', [bare])))).toEqual(['controller']);
    expect(reasons(unknownCpu, selected(pod('web', [bare], { hasPodLevelResources: true })))).toEqual(['controller']);
  });

  it('finds the pod that lacks the container of a container’s metric', () => {
    const other = pod('old', [container('app', id('b2'))]);
    expect(whyHpa(unknownMemory, selected(pod('web', [main]), other), () => undefined)).toEqual([
      { reason: 'container_absent', pod: 'old', container: 'main' },
    ]);
  });

  it('says when no pod runs, has metrics, or is ready', () => {
    const one = pod('one', [main]);
    const two = pod('two', [main]);
    expect(reasons(unknownCpu, selected(pod('p', [main], { phase: 'Pending' })))).toEqual(['pods_not_ready']);
    expect(reasons(unknownCpu, selected(one, two), ['one', 'two'])).toEqual(['metrics_missing']);
    const unready = { ...two, ready: false };
    expect(reasons(unknownCpu, selected(unready))).toEqual(['pods_not_ready']);
    expect(reasons(unknownCpu, selected(one, unready), ['one'])).toEqual(['metrics_missing', 'pods_not_ready']);
  });

  it('blames nobody when one ready pod has metrics, and repeats the controller', () => {
    const pods = selected(pod('one', [main]), Object.assign(pod('two', [main]), { ready: true }));
    const hpa = { ...unknownCpu, complaint: 'the server is away' };
    const why = whyHpa(hpa, pods, ({ name }) => (name === 'one' ? YOUNG : undefined));
    expect(why).toEqual([{ reason: 'controller', message: 'the server is away' }]);
    expect(sayHpa(why[0]!)).toBe('its controller says: the server is away');
    expect(sayHpa({ reason: 'controller', message: '' })).toContain('not evaluated it yet');
  });
});
