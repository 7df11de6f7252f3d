import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../agent/runtime/logger.ts';
import type { KubeAnswer, KubeCall } from './http.ts';
import { EVERY_MS, Leadership, LEASE_MS, RENEW_DEADLINE_MS } from './lease.ts';

const PATH = '/apis/coordination.k8s.io/v1/namespaces/headroom-system/leases';

interface Spec {
  holderIdentity: string;
  leaseTransitions: number;
  renewTime: string;
}

interface Replica {
  readonly leadership: Leadership;
  /** Its next round, begun and done. */
  round(): Promise<void>;
}

/** An API server of one lease, and a clock that is set by hand. */
class Bench {
  nowMs = 1_000_000;
  wallMs = 1_700_000_000_123;
  mayLead = true;
  readonly pods = new Set<string>();
  stored: { version: number; spec: Spec } | undefined;
  readonly calls: string[] = [];
  /** What the next calls meet instead of the server; throwing is a broken connection. */
  broken: (() => KubeAnswer) | undefined;
  /** What is written is kept though its answer gets lost. */
  losesAnswers = false;
  onCall: () => void = () => {};

  readonly call = async ({ method, path, body }: KubeCall): Promise<KubeAnswer> => {
    this.calls.push(method);
    await Promise.resolve();
    this.onCall();
    if (this.broken) return this.broken();
    const answered = this.#answer(method, path, body as { metadata: { resourceVersion?: string }; spec: Spec });
    if (this.losesAnswers) throw new Error('no answer within 5000 ms');
    return { retryAfterSeconds: 0, ...answered };
  };

  replica(identity: string, onLeading: () => void = () => {}): Replica {
    let wake: () => void = () => {};
    let asleep: () => void = () => {};
    let abort: () => void = () => {};
    let listening = false;
    const leadership = new Leadership({
      http: { call: this.call },
      namespace: 'headroom-system',
      identity,
      clock: { bootTimeMs: () => this.nowMs, wallTimeMs: () => this.wallMs },
      log: silentLogger,
      sleep: (_, signal) =>
        new Promise((resolve) => {
          wake = resolve;
          abort = resolve;
          if (!listening) signal.addEventListener('abort', () => abort());
          listening = true;
          asleep();
        }),
    });
    const round = (): Promise<void> =>
      new Promise((resolve) => {
        asleep = resolve;
        leadership.start({ mayLead: () => this.mayLead, onLeading, podIsThere: (name) => this.pods.has(name) });
        wake();
      });
    return { leadership, round };
  }

  #answer(method: string, path: string, body: { metadata: { resourceVersion?: string }; spec: Spec }) {
    if (path !== (method === 'POST' ? PATH : `${PATH}/headroom-aggregator`)) throw new Error(`${method} ${path}`);
    if (method !== 'POST' && !this.stored) return { status: 404, body: {} };
    if (method === 'POST' && this.stored) return { status: 409, body: {} };
    if (method === 'PUT' && body.metadata.resourceVersion !== String(this.stored?.version))
      return { status: 409, body: {} };
    if (method !== 'GET') this.stored = { version: (this.stored?.version ?? 0) + 1, spec: body.spec };
    const { version, spec } = this.stored!;
    return { status: 200, body: { metadata: { resourceVersion: String(version) }, spec } };
  }
}

describe('leadership', () => {
  it('is nobody’s before the lease is written, and then that of one of two', async () => {
    const bench = new Bench();
    const [first, second] = [bench.replica('a'), bench.replica('b')];
    expect([first.leadership.leads, second.leadership.leads]).toEqual([false, false]);
    await Promise.all([first.round(), second.round()]);
    expect([first.leadership.leads, second.leadership.leads]).toEqual([true, false]);
    expect([first.leadership.fencing, second.leadership.fencing]).toEqual([0, undefined]);
    expect(bench.stored?.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
      acquireTime: '2023-11-14T22:13:20.123000Z',
      renewTime: '2023-11-14T22:13:20.123000Z',
    });
  });

  it('is kept by one write a round', async () => {
    const bench = new Bench();
    const replica = bench.replica('a');
    for (let round = 0; round < 20; round += 1) {
      await replica.round();
      bench.nowMs += EVERY_MS;
      expect(replica.leadership.leads).toBe(true);
    }
    expect(bench.calls).toEqual(['GET', 'POST', ...Array.from({ length: 19 }, () => 'PUT')]);
    expect(bench.stored?.spec.leaseTransitions).toBe(0);
  });

  it('ends by itself when the lease could not be renewed, counted from before the last request that did', async () => {
    const bench = new Bench();
    const replica = bench.replica('a');
    const askedMs = bench.nowMs;
    bench.onCall = () => void (bench.nowMs += 100);
    await replica.round();
    bench.onCall = () => {};
    bench.broken = () => {
      throw new Error('connect ECONNREFUSED');
    };
    await replica.round();
    // The first of the two requests found no lease, the second made it.
    bench.nowMs = askedMs + 100 + RENEW_DEADLINE_MS - 1;
    expect(replica.leadership.leads).toBe(true);
    bench.nowMs += 1;
    expect(replica.leadership.leads).toBe(false);
    await replica.round();
    expect(replica.leadership.leads).toBe(false);
    bench.broken = undefined;
    await replica.round();
    expect(replica.leadership.leads).toBe(true);
  });

  it('ends with a suspend of the machine, before its clock knows of it', async () => {
    const bench = new Bench();
    const replica = bench.replica('a');
    await replica.round();
    bench.wallMs += RENEW_DEADLINE_MS;
    expect(replica.leadership.leads).toBe(false);
    await replica.round();
    expect(replica.leadership.leads).toBe(true);
  });

  it('passes on when its lease did not change for its duration, and never has two leaders', async () => {
    const bench = new Bench();
    const [first, second] = [bench.replica('a'), bench.replica('b')];
    await first.round();
    await second.round();
    const seenMs = bench.nowMs;
    while (bench.nowMs - seenMs < LEASE_MS) {
      expect(second.leadership.leads).toBe(false);
      bench.nowMs += EVERY_MS;
      await second.round();
    }
    expect([first.leadership.leads, second.leadership.leads]).toEqual([false, true]);
    expect(bench.stored?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    expect([first.leadership.fencing, second.leadership.fencing]).toEqual([undefined, 1]);
    await first.round();
    expect([first.leadership.leads, second.leadership.leads]).toEqual([false, true]);
  });

  /** One that holds the lease and another that has looked at it, while the API has the pod. */
  const watchedHolder = async (holder: string, pod: string) => {
    const bench = new Bench();
    bench.pods.add(pod);
    const [first, second] = [bench.replica(holder), bench.replica('pod-b_2')];
    await first.round();
    await second.round();
    expect(second.leadership.leads).toBe(false);
    return { bench, first, second };
  };

  it('passes on at the next look when the pod of its holder is gone', async () => {
    const { bench, first, second } = await watchedHolder('pod-a_1', 'pod-a');
    bench.pods.delete('pod-a');
    await second.round();
    expect(second.leadership.leads).toBe(true);
    expect(bench.stored?.spec).toMatchObject({ holderIdentity: 'pod-b_2', leaseTransitions: 1 });
    // Should the process still run, it finds that out at its next renewal.
    await first.round();
    expect([first.leadership.leads, second.leadership.leads]).toEqual([false, true]);
  });

  it('stays with a holder that was never seen as a pod, and with another holder than the one whose pod is gone', async () => {
    const { bench, second } = await watchedHolder('pod-a_1', 'pod-a');
    bench.pods.delete('pod-a');
    bench.stored!.version += 1;
    bench.stored!.spec.holderIdentity = 'workstation_3';
    await second.round();
    expect(second.leadership.leads).toBe(false);
  });

  it('is no pod’s where its holder’s name says none', async () => {
    const { bench, second } = await watchedHolder('somebody', 'somebod');
    bench.pods.clear();
    await second.round();
    expect(second.leadership.leads).toBe(false);
  });

  it.each([403, 500])('is kept over a renewal that is answered with %i', async (status) => {
    const bench = new Bench();
    const replica = bench.replica('a');
    await replica.round();
    bench.broken = () => ({ status, retryAfterSeconds: 0, body: { message: 'no' } });
    await replica.round();
    expect(replica.leadership.leads).toBe(true);
  });

  it('ends at once where the API server knows its holder no more, and comes again with a renewal', async () => {
    const bench = new Bench();
    let begun = 0;
    const replica = bench.replica('a', () => begun++);
    await replica.round();
    bench.broken = () => ({ status: 401, retryAfterSeconds: 0, body: { message: 'Unauthorized' } });
    await replica.round();
    expect(replica.leadership.leads).toBe(false);
    bench.broken = undefined;
    await replica.round();
    expect([replica.leadership.leads, begun]).toEqual([true, 2]);
  });

  it('is lost at once when somebody else has written the lease', async () => {
    const bench = new Bench();
    const replica = bench.replica('a');
    await replica.round();
    bench.stored!.version += 1;
    bench.stored!.spec.holderIdentity = 'c';
    await replica.round();
    expect(replica.leadership.leads).toBe(false);
  });

  it('is found again where the answer to a renewal got lost', async () => {
    const bench = new Bench();
    const replica = bench.replica('a');
    await replica.round();
    bench.losesAnswers = true;
    await replica.round();
    bench.losesAnswers = false;
    await replica.round();
    expect(replica.leadership.leads).toBe(true);
  });

  it('is given back at the end, and taken by the other replica at its next look', async () => {
    const bench = new Bench();
    const [first, second] = [bench.replica('a'), bench.replica('b')];
    await first.round();
    await second.round();
    await first.leadership.close();
    expect(first.leadership.leads).toBe(false);
    await second.round();
    expect(second.leadership.leads).toBe(true);
    await second.leadership.close();
    expect(bench.stored?.spec.holderIdentity).toBe('');
  });

  it('is not taken by a replica that knows nothing yet', async () => {
    const bench = new Bench();
    bench.mayLead = false;
    const replica = bench.replica('a');
    await replica.round();
    expect(bench.calls).toEqual(['GET']);
    bench.mayLead = true;
    await replica.round();
    expect(replica.leadership.leads).toBe(true);
    bench.mayLead = false;
    await replica.round();
    expect(replica.leadership.leads).toBe(true);
  });

  it('tells each time that it begins', async () => {
    const bench = new Bench();
    let begun = 0;
    const replica = bench.replica('a', () => begun++);
    await replica.round();
    await replica.round();
    expect(begun).toBe(1);
    bench.nowMs += RENEW_DEADLINE_MS;
    bench.broken = () => {
      throw new Error('connect ECONNREFUSED');
    };
    await replica.round();
    bench.broken = undefined;
    await replica.round();
    expect(begun).toBe(2);
  });

  it('is nobody’s where the lease may not be written', async () => {
    const bench = new Bench();
    bench.broken = () => ({ status: 403, retryAfterSeconds: 0, body: { message: 'leases is forbidden' } });
    const replica = bench.replica('a');
    await replica.round();
    expect(replica.leadership.leads).toBe(false);
    await replica.leadership.close();
    expect(bench.calls).toEqual(['GET']);
  });
});
