// The leaks of cases (b) and (c): one shape, so that what becomes of them can be compared.
import { join } from 'node:path';
import { runPlace } from '../e2e/namespace.ts';
import type { SeenCluster } from './cluster.ts';
import type { LeakRun, LeakShape } from './leak-run.ts';
import { byOneClock, followLeak, leakPod, wasKilled } from './leak-run.ts';

const MIB = 2 ** 20;
const LIMIT_MIB = 160;
export const LIMIT = `${LIMIT_MIB}Mi`;
/** Past its first limit, and not so far that it would be raised once more: that would be in the legs of the leaks after it. */
const SHAPE = { limit: LIMIT, mostMib: 172 };
const START_MIB = 24;
/** A slow leak starts with more: nobody waits longer than this for it. */
const MOST_CLIMB_S = 14;
/** Beside the leak itself: the pod's start, the kubelet's word of what became of it. */
const SPARE_MS = 40_000;

/** Where the runs are kept for the picture. */
export const SHOWN_FILE = (): string => join(runPlace(process.env).folder, 'leaks.json');

const heldMib = (run: LeakRun): number => (run.memoryCurrent.at(-1)?.value ?? 0) / MIB;

/** It has all that it wanted, and the kubelet says what it did; or it was killed. */
function ended(run: LeakRun): boolean {
  return (
    wasKilled(run) || (heldMib(run) >= run.shape.mostMib && (run.statusLimit.at(-1)?.value ?? 0) > LIMIT_MIB * MIB)
  );
}

/** @param limitS when it would be at its limit, seconds from its start */
export function leakOf(
  name: string,
  mibPerSecond: number,
  limitS: number,
  annotations?: LeakShape['annotations'],
): LeakShape {
  const startMib = Math.max(START_MIB, LIMIT_MIB - MOST_CLIMB_S * mibPerSecond);
  const afterS = Math.max(0, Math.round(limitS - (LIMIT_MIB - startMib) / mibPerSecond));
  return { ...SHAPE, startMib, name, mibPerSecond, afterS, ...(annotations ? { annotations } : {}) };
}

/** The pods go when all have ended: what the kubelet does to take one away would be in the legs of the next. */
export async function runLeaks(cluster: SeenCluster, shapes: readonly LeakShape[]): Promise<readonly LeakRun[]> {
  await cluster.apply(...shapes.map(leakPod));
  const runs = await Promise.all(
    shapes.map((shape) => {
      const leakMs = (1000 * (shape.mostMib - shape.startMib)) / shape.mibPerSecond;
      return followLeak(cluster, shape, ended, 1000 * shape.afterS + leakMs + SPARE_MS);
    }),
  );
  await cluster.kubectlOk('delete', 'pod', ...shapes.map(({ name }) => name), '--wait=false');
  return byOneClock(runs);
}
