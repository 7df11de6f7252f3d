// How long the aggregator takes from the bytes of a shortage's push to the patch of the pod: with the first one of a process, which the
// rehearsal after a start takes out of the way, and with one that comes long after the one before. The floor is the fifth in a row. All of it is
// in the process: no connection (aggregator/rehearsal.ts).
import { execFile } from 'node:child_process';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { aggregatorNode } from './cluster-rig.ts';
import type { Figure } from './figure.ts';
import { median } from './median.ts';

const PROCESSES = 15;
/** V8 drops code that did not run for six whole collections (`--bytecode-old-age`). */
const QUIET = { collections: 8, eachMs: 5000 };

interface Told {
  readonly node: string;
  /** Five in a row, and one after a quiet time with collections, ms. */
  readonly tookMs: readonly number[];
}

const urlOf = (module: string): string => JSON.stringify(new URL(`../../${module}${extname(import.meta.url)}`, import.meta.url).href); // prettier-ignore

/** @returns a program that prints what is Told */
function program(collections: number): string {
  return `
    const { rehearse } = await import(${urlOf('aggregator/rehearsal')});
    const { systemClock } = await import(${urlOf('agent/runtime/clock')});
    const { setTimeout: sleep } = await import('node:timers/promises');
    const clock = systemClock();
    const tookMs = [];
    for (let time = 0; time < 5; time++) tookMs.push((await rehearse(clock)).toPatchMs);
    for (let time = 0; time < ${collections}; time++) {
      await sleep(${QUIET.eachMs});
      globalThis.gc();
    }
    tookMs.push((await rehearse(clock)).toPatchMs);
    console.log(JSON.stringify({ node: process.version, tookMs }));`;
}

async function run(collections: number): Promise<Told> {
  const args = ['--expose-gc', '--input-type=module', '--eval', program(collections)];
  return JSON.parse((await promisify(execFile)(aggregatorNode(), args)).stdout) as Told;
}

/** Takes a minute, on Node 24 where it is there. */
export async function benchShortage(): Promise<Figure[]> {
  const runs: Told[] = [];
  for (let process = 0; process < PROCESSES; process++) runs.push(await run(0));
  // They sleep: all begin a little apart, so that none works beside another.
  const quiet = await Promise.all(Array.from({ length: PROCESSES }, (_, at) => after(at * 300, () => run(QUIET.collections)))); // prettier-ignore
  const of = (all: readonly Told[], time: number): number => median(all.map(({ tookMs }) => tookMs[time]!));
  const figure = (name: string, value: number, floor: number): Figure => ({ bench: 'shortage', figure: `push to patch, ${runs[0]!.node}: ${name}`, value, unit: 'ms', floor }); // prettier-ignore
  return [
    figure('the first of a process', of(runs, 0), of(runs, 4)),
    figure('after 40 s and eight whole collections', of(quiet, 5), of(quiet, 4)),
  ];
}

async function after<T>(ms: number, act: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return act();
}
