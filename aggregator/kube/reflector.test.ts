import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { json, line, page, startFakeKube, watch } from '../../test/fixtures/kube/fake-kube.ts';
import type { FakeKube } from '../../test/fixtures/kube/fake-kube.ts';
import { Reflector } from './reflector.ts';

interface Followed {
  readonly kube: FakeKube;
  readonly reflector: Reflector<string>;
  /** "+a@1" and "-a", in order. */
  readonly told: string[];
  readonly sleptMs: number[];
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

async function follow(script: (kube: FakeKube) => void): Promise<Followed> {
  const kube = await startFakeKube();
  script(kube);
  const told: string[] = [];
  const sleptMs: number[] = [];
  let nowMs = 0;
  const reflector = new Reflector<string>({
    path: '/api/v1/pods',
    project: ({ metadata }) => `${metadata?.uid}@${metadata?.resourceVersion}`,
    keyOf: ({ uid }) => uid,
    onUpsert: (record) => told.push(`+${record}`),
    onRemove: (key) => told.push(`-${key}`),
    http: kube.http,
    clock: { bootTimeMs: () => (nowMs += 1), wallTimeMs: () => 0 },
    log: silentLogger,
    random: () => 1,
    sleep: (ms) => {
      sleptMs.push(ms);
      return Promise.resolve();
    },
  });
  open.push(kube, reflector);
  reflector.start();
  return { kube, reflector, told, sleptMs };
}

function object(uid: string, resourceVersion: string): object {
  return { metadata: { uid, name: uid, resourceVersion } };
}

function watchVersions({ seen }: FakeKube): (string | null)[] {
  return seen
    .filter(({ url }) => url.searchParams.has('watch'))
    .map(({ url }) => url.searchParams.get('resourceVersion'));
}

describe('a reflector', () => {
  it('lists page by page, then watches from the version of the list', async () => {
    const { kube, told, reflector } = await follow(({ lists, watches }) => {
      lists.push(page('9', [object('a', '1')], 'more'), page('10', [object('b', '2')]));
      watches.push(
        watch(
          line('MODIFIED', object('a', '11')) + line('DELETED', object('b', '12')) + line('ADDED', object('c', '13')),
          'stay',
        ),
      );
    });
    expect(reflector.lastSyncMs).toBe(-Infinity);
    await reflector.synced;
    await until(() => told.length === 5);
    expect(told).toEqual(['+a@1', '+b@2', '+a@11', '-b', '+c@13']);
    expect(kube.seen[0]?.url.search).toBe('?limit=500');
    expect(kube.seen[1]?.url.searchParams.get('continue')).toBe('more');
    expect(kube.seen[2]?.url.search).toBe('?watch=1&allowWatchBookmarks=true&timeoutSeconds=480&resourceVersion=10');
    expect(reflector.size).toBe(2);
    expect(reflector.lastSyncMs).toBeGreaterThan(0);
  });

  it('goes on from the last bookmark', async () => {
    const { kube, told } = await follow(({ lists, watches }) => {
      lists.push(page('10', [object('a', '1')]));
      watches.push(watch(line('BOOKMARK', { metadata: { resourceVersion: '50' } }), 'end'));
    });
    await until(() => watchVersions(kube).length === 2);
    expect(watchVersions(kube)).toEqual(['10', '50']);
    expect(told).toEqual(['+a@1']);
  });

  it('lists again after 410, tells only what changed, and removes what vanished', async () => {
    const gone = { kind: 'Status', code: 410, reason: 'Expired' };
    const { told } = await follow(({ lists, watches }) => {
      lists.push(page('10', [object('a', '1'), object('b', '2'), object('c', '3')]));
      watches.push(watch(line('ERROR', gone), 'end'));
      lists.push(page('20', [object('a', '1'), object('c', '15'), object('d', '16')]));
    });
    await until(() => told.length === 6);
    expect(told).toEqual(['+a@1', '+b@2', '+c@3', '+c@15', '+d@16', '-b']);
  });

  it('lists again when the watch itself is answered by 410', async () => {
    const { kube } = await follow(({ lists, watches }) => {
      lists.push(page('10', []), page('20', []));
      watches.push(json(410, {}));
    });
    await until(() => watchVersions(kube).length === 2);
    expect(watchVersions(kube)).toEqual(['10', '20']);
  });

  it('drops a line that was cut, and goes on from the event before it', async () => {
    const { kube, told } = await follow(({ lists, watches }) => {
      lists.push(page('10', []));
      const cut = line('ADDED', object('b', '12')).slice(0, -9);
      watches.push(watch(line('ADDED', object('a', '11')) + cut, 'cut'));
      watches.push(watch(line('ADDED', object('b', '12')), 'stay'));
    });
    await until(() => told.length === 2);
    expect(told).toEqual(['+a@11', '+b@12']);
    expect(watchVersions(kube)).toEqual(['10', '11']);
  });

  it('starts over from a list after a line that is no JSON', async () => {
    const { told } = await follow(({ lists, watches }) => {
      lists.push(page('10', []), page('20', [object('a', '15')]));
      watches.push(watch('{"type": oops}\n', 'stay'));
    });
    await until(() => told.length === 1);
    expect(told).toEqual(['+a@15']);
  });

  it('never gives up, backs off twice as long each time, and starts afresh after a success', async () => {
    const { told, sleptMs } = await follow(({ lists, watches }) => {
      for (let failure = 0; failure < 8; failure += 1) lists.push(json(500, { message: 'etcd is away' }));
      lists.push(page('10', [object('a', '1')]));
      watches.push(watch(line('ADDED', object('b', '11')), 'cut'));
      watches.push(watch(line('ADDED', object('c', '12')), 'stay'));
    });
    await until(() => told.length === 3);
    expect(sleptMs).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 500]);
  });

  it('keeps what it had when a list fails half-way', async () => {
    const { told } = await follow(({ lists, watches }) => {
      lists.push(page('10', [object('a', '1'), object('b', '2')]));
      watches.push(json(410, {}));
      lists.push(page('20', [object('a', '1')], 'more'), json(410, { message: 'continue token expired' }));
      lists.push(page('21', [object('a', '1'), object('b', '2')]));
      watches.push(watch(line('ADDED', object('c', '30')), 'stay'));
    });
    await until(() => told.length === 3);
    expect(told).toEqual(['+a@1', '+b@2', '+c@30']);
  });

  it('stops at once when closed during a watch', async () => {
    const { kube, reflector } = await follow(({ lists }) => lists.push(page('10', [])));
    await until(() => watchVersions(kube).length === 1);
    await reflector.close();
    expect(watchVersions(kube)).toHaveLength(1);
  });
});
