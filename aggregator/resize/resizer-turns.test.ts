// Who may patch, and what waited for its turn to: the lease, the queue and what is remembered.
import { describe, expect, it } from 'vitest';
import { containerOf, LEAK, MIB, POD } from '../../test/fixtures/kube/pods.ts';
import { Bench, refused, settle } from './resizer.test-support.ts';

describe('the resizer', () => {
  it('does not forget a refusal because its turn to patch once found the lease gone', async () => {
    const bench = new Bench();
    const refuse = async (): Promise<void> => {
      bench.answers.push(refused(422, 'Pod QOS Class may not change as a result of resizing'));
      bench.short();
      await settle();
    };
    await refuse();
    bench.nowMs += 5001;
    bench.short();
    // After the decision, before its turn.
    bench.nowMs += 10;
    bench.leads = false;
    await settle();
    expect(bench.patches).toHaveLength(1);
    bench.leads = true;
    await refuse();
    expect(bench.patches).toHaveLength(2);
    bench.nowMs += 9000;
    bench.short();
    await settle();
    expect(bench.patches).toHaveLength(2);
  });

  it('tells why it raises to what it raises, also where the need has grown before its turn', async () => {
    const bench = new Bench();
    bench.short();
    bench.nowMs += 10;
    bench.stored = {
      ...POD,
      containers: [{ ...POD.containers[0]!, limits: { cpuMillis: 200, memoryBytes: 63 * MIB } }],
    };
    await settle();
    const [told] = bench.events;
    expect(told?.reason).toBe('HeadroomResize');
    expect(told?.message).toContain('of 63 MiB');
  });
  it('patches nothing before its replica leads, and what lasts once it does', async () => {
    const bench = new Bench();
    bench.leads = false;
    expect(bench.short()).toBe(false);
    await settle();
    expect(bench.patches).toEqual([]);
    expect(bench.counts).toEqual([]);
    bench.leads = true;
    expect(bench.short()).toBe(true);
    await settle();
    expect(bench.patches).toHaveLength(1);
  });

  it('judges no shortage that is history, and one that was kept until it could be judged', async () => {
    const bench = new Bench();
    expect(bench.short({ raisedAgoMs: 9000 })).toBe(true);
    await settle();
    expect(bench.patches).toEqual([]);
    expect(bench.short({ raisedAgoMs: 9000, kept: true })).toBe(true);
    await settle();
    expect(bench.patches).toHaveLength(1);
  });

  it('patches nothing more from the moment that the lease is lost', async () => {
    const bench = new Bench();
    bench.stored = { ...POD, containers: [containerOf({ limits: { cpuMillis: 200, memoryBytes: 63 * MIB } })] };
    bench.onPatch = () => void (bench.leads = false);
    bench.short();
    bench.short({ shortage: { ...LEAK, need: 60 * MIB } });
    await settle();
    // Turned down by its test, it would have been made anew; and what was kept for the pod meanwhile would have followed.
    expect(bench.patches).toHaveLength(1);
    expect(bench.stored.containers[0]?.limits.memoryBytes).toBe(63 * MIB);
    expect(bench.counts).toEqual(['memory wait']);
    expect(bench.events).toEqual([]);
    expect(bench.resizer.inFlight).toBe(0);
  });

  it('decides anew what waited behind other patches, and lets it be when the lease is gone', async () => {
    const bench = new Bench();
    bench.onPatch = () => {
      bench.leads = false;
      bench.nowMs += 10;
    };
    for (let pod = 0; pod < 6; pod++) bench.short({ pod: { ...POD, uid: `pod-${pod}` } });
    expect(bench.resizer.inFlight).toBe(6);
    await settle();
    expect(bench.patches).toHaveLength(1);
    // The one that was sent is of another incarnation than the API server's.
    expect(bench.counts.toSorted()).toEqual(['memory gone', ...Array.from({ length: 5 }, () => 'memory wait')]);
    expect(bench.resizer.inFlight).toBe(0);
  });
});
