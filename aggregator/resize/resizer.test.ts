import { describe, expect, it } from 'vitest';
import { containerOf, LEAK, MIB, POD } from '../../test/fixtures/kube/pods.ts';
import type { Observation } from '../store/observation.ts';
import { Bench, refused, settle } from './resizer.test-support.ts';

const TARGET_BYTES = 660 * MIB;

describe('the resizer', () => {
  it('raises a leak once, and calls it confirmed when the cgroup has the limit', async () => {
    const bench = new Bench();
    // 30 ms to the server's yes, 8 more until the pod in its answer was read.
    bench.onPatch = () => void (bench.nowMs += 38);
    bench.readMs = 8;
    bench.short();
    await settle();
    expect(bench.stored?.containers[0]?.limits.memoryBytes).toBe(TARGET_BYTES);
    expect(bench.reasons()).toEqual(['HeadroomResize']);
    bench.observe(64 * MIB);
    expect(bench.resizer.inFlight).toBe(1);
    bench.nowMs += 800;
    bench.observe(TARGET_BYTES);
    expect(bench.resizer.inFlight).toBe(0);
    expect(bench.timers).toEqual([]);
    expect(bench.counts).toEqual(['memory accepted', 'memory applied']);
    expect(bench.reasons()).toEqual(['HeadroomResize', 'HeadroomResizeConfirmed']);
    expect(bench.events[0]?.message).toContain('growing 10 MiB/s');
    expect(bench.events[1]?.message).toContain('the limit is in force: memory 660 MiB');
    expect(bench.events[1]?.message).toContain(
      'signal to receipt 12 ms, to decision 0 ms, to acceptance 30 ms, to the cgroup 808 ms',
    );
  });

  it('sees a node that was faster than the answer to the patch', async () => {
    const bench = new Bench();
    bench.latest = { memoryLimitBytes: TARGET_BYTES, cpuLimitMillis: 200 } as Observation;
    bench.short();
    await settle();
    expect(bench.reasons()).toEqual(['HeadroomResize', 'HeadroomResizeConfirmed']);
  });

  it('has one patch in flight a pod, however often the shortage is said', async () => {
    const bench = new Bench();
    for (let said = 0; said < 5; said += 1) bench.short();
    await settle();
    for (let said = 0; said < 5; said += 1) bench.short();
    await settle();
    expect(bench.patches).toHaveLength(1);
  });

  it('judges what came meanwhile when the pod is free again', async () => {
    const bench = new Bench();
    bench.short();
    await settle();
    bench.short({ shortage: { ...LEAK, limit: TARGET_BYTES, need: 650 * MIB } });
    bench.observe(TARGET_BYTES);
    await settle();
    expect(bench.patches).toHaveLength(2);
    expect(bench.stored?.containers[0]?.limits.memoryBytes).toBe(1024 * MIB);
  });

  it('reads the pod again when a test fails, and raises from there', async () => {
    const bench = new Bench();
    bench.stored = { ...POD, containers: [containerOf({ limits: { cpuMillis: 200, memoryBytes: 63 * MIB } })] };
    bench.short();
    await settle();
    expect(bench.patches).toHaveLength(2);
    expect(bench.patches[1]).toContainEqual(expect.objectContaining({ op: 'test', value: '63Mi' }));
    expect(bench.reasons()).toEqual(['HeadroomResize']);
  });

  it('patches no pod whose leave was taken back or whose maximum was lowered before its watch says so', async () => {
    for (const annotations of [{}, { ...POD.annotations, 'headroom.dev/max-memory': '64Mi' }]) {
      const bench = new Bench();
      bench.stored = { ...POD, annotations };
      bench.short({ pod: POD });
      await settle();
      expect(bench.stored.containers[0]?.limits.memoryBytes).toBe(64 * MIB);
      expect(bench.counts).toEqual(['memory skip']);
      expect(bench.resizer.inFlight).toBe(0);
    }
  });

  it('leaves a pod alone that somebody else has raised meanwhile', async () => {
    const bench = new Bench();
    bench.stored = { ...POD, containers: [containerOf({ limits: { memoryBytes: 800 * MIB } })] };
    bench.short();
    await settle();
    expect(bench.patches).toHaveLength(1);
    expect(bench.stored.containers[0]?.limits.memoryBytes).toBe(800 * MIB);
    expect(bench.resizer.inFlight).toBe(0);
  });

  it('remembers a refusal on unchanged ground and backs off', async () => {
    const bench = new Bench();
    bench.answers.push(refused(422, 'Pod QOS Class may not change as a result of resizing'));
    bench.short();
    await settle();
    expect(bench.events[0]).toMatchObject({ reason: 'HeadroomResizeRefused', type: 'Warning' });
    expect(bench.events[0]?.message).toContain('Pod QOS Class may not change');
    bench.nowMs += 4000;
    bench.short();
    await settle();
    expect(bench.patches).toHaveLength(1);
    bench.nowMs += 1001;
    bench.short();
    await settle();
    expect(bench.patches).toHaveLength(2);
  });

  it('tells a patch that got no answer apart from one that was refused, and backs off from it too', async () => {
    const bench = new Bench();
    bench.answers.push({ kind: 'error', reason: 'TimeoutError: no answer' });
    bench.short();
    await settle();
    expect(bench.reasons()).toEqual(['HeadroomResizeFailed']);
    expect(bench.events[0]).toMatchObject({ type: 'Warning', message: expect.stringMatching(/failed: TimeoutError: no answer$/) as string }); // prettier-ignore
    bench.nowMs += 4000;
    bench.short();
    await settle();
    expect(bench.patches).toHaveLength(1);
  });

  it('takes refusals that differ by their numbers alone for the same, and by their words for others', async () => {
    const bench = new Bench();
    for (const limit of ['512Mi', '1.5Gi'])
      bench.answers.push(refused(403, `maximum memory usage is 80Mi, but limit is ${limit}`));
    bench.answers.push(refused(403, 'exceeded quota'));
    for (const waitMs of [0, 60_000, 60_000]) {
      bench.nowMs += waitMs;
      bench.short();
      await settle();
    }
    expect(bench.patches).toHaveLength(3);
    const [first, second, third] = bench.events.map(({ sameAs }) => sameAs);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it('remembers a refusal by admission without reading again', async () => {
    const bench = new Bench();
    bench.answers.push(refused(403, 'exceeded quota: q'));
    bench.short();
    await settle();
    expect(bench.patches).toHaveLength(1);
    expect(bench.events[0]?.message).toContain('exceeded quota: q');
  });

  it('forgets a pod that is gone', async () => {
    const bench = new Bench();
    bench.stored = undefined;
    bench.short();
    await settle();
    expect(bench.events).toEqual([]);
    expect(bench.resizer.inFlight).toBe(0);
  });

  it('ends with the cause when the node says that it can not', async () => {
    const bench = new Bench();
    bench.short();
    await settle();
    const message = 'In-place resize of containers with swap is not supported.';
    const resizeConditions = [{ type: 'PodResizePending', reason: 'Infeasible', message }];
    bench.resizer.onPodUpsert({ ...bench.stored!, observedGeneration: 2, resizeConditions });
    expect(bench.events[1]).toMatchObject({
      reason: 'HeadroomResizeUnconfirmed',
      message: expect.stringContaining(message) as string,
    });
    expect(bench.resizer.inFlight).toBe(0);
  });

  it('calls a resize unconfirmed after a minute, with the cause', async () => {
    const bench = new Bench();
    bench.short();
    await settle();
    bench.resizer.onPodUpsert({ ...bench.stored!, observedGeneration: 2 });
    expect(bench.timers[0]?.ms).toBe(60_000);
    bench.timers[0]?.act();
    expect(bench.events[1]).toMatchObject({
      reason: 'HeadroomResizeUnconfirmed',
      message: expect.stringContaining('has not read the new limit') as string,
    });
    bench.short({ pod: bench.stored!, shortage: { ...LEAK, limit: TARGET_BYTES } });
    await settle();
    expect(bench.patches).toHaveLength(1);
  });

  it('only tells in a dry run, and ignores everything when off', async () => {
    const dry = new Bench('dry-run');
    dry.short();
    const off = new Bench('off');
    off.short();
    await settle();
    expect(dry.patches.concat(off.patches)).toEqual([]);
    expect(dry.reasons()).toEqual(['HeadroomResizePlanned']);
    expect(off.events).toEqual([]);
  });

  it('says once why a pod that asked is left alone, and nothing of one that did not', async () => {
    const bench = new Bench();
    const small = { ...POD, annotations: { ...POD.annotations, 'headroom.dev/max-memory': '64Mi' } };
    bench.short({ pod: small });
    bench.short({ pod: small });
    bench.short({ pod: { ...POD, annotations: {} } });
    expect(bench.reasons()).toEqual(['HeadroomResizeSkipped']);
    expect(bench.events[0]?.message).toContain('at maximum: headroom.dev/max-memory allows 64 MiB');
    expect(bench.patches).toEqual([]);
  });

  it('follows a container that is restarted while its resize is under way', async () => {
    const bench = new Bench();
    bench.short();
    await settle();
    const restarted = bench.stored!.containers.map((c) => ({ ...c, containerId: 'd0'.repeat(32) }));
    bench.latest = { memoryLimitBytes: 64 * MIB, cpuLimitMillis: 200 } as Observation;
    bench.resizer.onPodUpsert({ ...bench.stored!, containers: restarted });
    expect(bench.resizer.inFlight).toBe(1);
    bench.resizer.onObserved('d0'.repeat(32), { memoryLimitBytes: TARGET_BYTES, cpuLimitMillis: 200 } as Observation);
    expect(bench.resizer.inFlight).toBe(0);
    expect(bench.timers).toEqual([]);
    expect(bench.reasons()).toEqual(['HeadroomResize', 'HeadroomResizeConfirmed']);
  });

  it('waits for nothing when the pod ends while its patch is on the way', async () => {
    const bench = new Bench();
    bench.answers.push({ kind: 'accepted', readMs: 0, pod: { ...POD, generation: 2 } });
    bench.onPatch = () => {
      bench.stored = undefined;
      bench.resizer.onPodRemoved(POD.uid);
    };
    bench.short();
    await settle();
    expect(bench.resizer.inFlight).toBe(0);
    expect(bench.timers).toEqual([]);
    expect(bench.counts).toEqual(['memory accepted', 'memory gone']);
  });

  it('answers no shortage that took long to come', async () => {
    const bench = new Bench();
    bench.short({ raisedAgoMs: 5001 });
    bench.short({ raisedAgoMs: NaN });
    await settle();
    expect(bench.patches).toEqual([]);
    expect(bench.counts).toEqual([]);
  });

  it('skips a shortage of a container that was restarted meanwhile', async () => {
    const bench = new Bench();
    bench.short({ container: { ...POD.containers[0]!, containerId: 'd0'.repeat(32) } });
    await settle();
    expect(bench.patches).toEqual([]);
  });

  it('waits for its patch when it closes, takes no more, and leaves no timer', async () => {
    const bench = new Bench();
    bench.short();
    await bench.resizer.close();
    expect(bench.patches).toHaveLength(1);
    expect(bench.timers).toEqual([]);
    bench.short({ pod: { ...POD, uid: 'u2' } });
    await settle();
    expect(bench.patches).toHaveLength(1);
  });
});
