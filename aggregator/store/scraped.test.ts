import { describe, expect, it } from 'vitest';
import type { Scraped, ScrapedUsage } from './scraped.ts';
import type { TestStore } from './store.test-support.ts';
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
  WALL_MS,
} from './store.test-support.ts';

const MAIN = id('a1');
const SIDE = id('b2');
const identities = [NODE_IDENTITY, containerIdentity(1, MAIN), containerIdentity(2, SIDE)];
const USAGE: ScrapedUsage = {
  ageMs: 4000,
  windowUs: 10_000_000,
  cpuWindowUs: 5_000_000,
  workingSetBytes: 7 * MIB,
  swapBytes: NaN,
};

function known(): TestStore {
  const made = testStore();
  made.store.upsertNode(node('n1'));
  made.store.upsertPod(pod('web', [container('main', MAIN), container('side', SIDE)]));
  return made;
}

function scraped(more: Partial<ScrapedUsage> = {}, of: Partial<Scraped> = {}): Scraped {
  const containers = ['main', 'side'].map((name) => ({
    namespace: 'default',
    pod: 'web',
    container: name,
    ...USAGE,
    ...more,
  }));
  return { node: 'n1', usage: { ...USAGE, ...more }, containers, ...of };
}

/** At the store's first instant, or so long after it. */
function receipt(elapsedMs = 0) {
  return { monoMs: elapsedMs, wallMs: WALL_MS + elapsedMs };
}

function webUsage({ store }: TestStore) {
  return store.podItem('default', 'web')!.usage();
}

describe('PointStore: what kubelets told', () => {
  it('serves pods and nodes by name, with the time of the reading', () => {
    const made = known();
    expect(made.store.acceptScrape(scraped(), receipt())).toEqual({ stored: 3, unknown: 0 });
    expect(webUsage(made)).toMatchObject({ count: 2, atWallMs: WALL_MS - 4000, windowUs: 10_000_000 });
    expect(webUsage(made)!.cpuNanos[1]).toBe(500_000_000);
    expect(webUsage(made)!.swapBytes![0]).toBeNaN();
    expect(made.store.nodeItem('n1')!.usage()).toMatchObject({ count: 1, atWallMs: WALL_MS - 4000 });
  });

  it('keeps the swap that is told', () => {
    const made = known();
    made.store.acceptScrape(scraped({ swapBytes: 3 * MIB }), receipt());
    expect(webUsage(made)!.swapBytes![1]).toBe(3 * MIB);
  });

  it('gives way to an agent, whatever its first batch is', () => {
    const made = known();
    made.store.acceptScrape(scraped({ ageMs: 0 }), receipt());
    made.advance(1000);
    made.push(batch({ identities, rows: [usageRow(0), usageRow(1), { ref: 2, memoryCurrentBytes: 1 }] }));
    expect(Array.from(webUsage(made)!.cpuNanos.slice(0, 2))).toEqual([1_000_000_000, 500_000_000]);
    made.push(batch({ sequence: 2, rows: [usageRow(2)] }));
    expect(Array.from(webUsage(made)!.cpuNanos.slice(0, 2))).toEqual([1_000_000_000, 1_000_000_000]);
  });

  it('never sets back a point that was read later', () => {
    const made = known();
    made.advance(3000);
    made.push(batch({ identities, rows: [usageRow(0), usageRow(1), usageRow(2)] }));
    expect(made.store.acceptScrape(scraped(), receipt(4000))).toEqual({ stored: 0, unknown: 0 });
    expect(webUsage(made)!.cpuNanos[0]).toBe(1_000_000_000);
  });

  it('leaves the levels that resizing decides on to the agent', () => {
    const made = known();
    made.store.acceptScrape(scraped(), receipt());
    expect(made.store.observation(MAIN)).toBeUndefined();
  });

  it.each<[string, Partial<ScrapedUsage>]>([
    ['an empty window', { windowUs: 0 }],
    ['negative CPU', { cpuWindowUs: -1 }],
    ['memory that was not told', { workingSetBytes: NaN }],
    ['infinite CPU', { cpuWindowUs: Infinity }],
    ['no age', { ageMs: NaN }],
  ])('stores nothing of %s', (_, more) => {
    const made = known();
    expect(made.store.acceptScrape(scraped(more), receipt())).toEqual({ stored: 0, unknown: 0 });
    expect(webUsage(made)).toBeUndefined();
  });

  it('takes a reading from the future for one of now', () => {
    const made = known();
    made.store.acceptScrape(scraped({ ageMs: -60_000 }), receipt());
    expect(webUsage(made)).toMatchObject({ atWallMs: WALL_MS });
  });

  it('does not serve what was read too long ago', () => {
    const made = known();
    made.store.acceptScrape(scraped({ ageMs: STALENESS_MS + 1 }), receipt());
    expect(webUsage(made)).toBeUndefined();
  });

  it('stores nothing of containers that do not run on that node', () => {
    const made = known();
    made.store.upsertNode(node('n2'));
    expect(made.store.acceptScrape(scraped({}, { node: 'n2' }), receipt())).toEqual({ stored: 1, unknown: 2 });
    expect(made.store.acceptScrape(scraped({}, { node: 'n3' }), receipt())).toEqual({ stored: 0, unknown: 2 });
    made.store.upsertPod(pod('web', [container('main', MAIN), container('side', SIDE, { running: false })]));
    expect(made.store.acceptScrape(scraped(), receipt())).toEqual({ stored: 2, unknown: 1 });
  });
});
