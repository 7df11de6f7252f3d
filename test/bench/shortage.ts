// How long the aggregator is busy with a shortage from its push to its end: with the first one of a process, which the rehearsal after a start
// takes out of the way, and with one that comes long after the one before. The floor is the fifth in a row. The connections are not in it
// (aggregator/rehearsal.ts).
import { execFileSync } from 'node:child_process';
import { extname } from 'node:path';
import { aggregatorNode } from './cluster-rig.ts';
import type { Figure } from './figure.ts';
import { median } from './median.ts';

const PROCESSES = 15;
/** V8 drops code that did not run for 30 s or six whole collections, whichever its version goes by. */
const QUIET = { collections: 8, eachMs: 5000 };

/** @returns a program that prints the milliseconds of five in a row and of one after a quiet time with collections */
function program(module: string, collections: number): string {
  return `
    const { rehearse } = await import(${JSON.stringify(module)});
    const { setTimeout: sleep } = await import('node:timers/promises');
    const took = [];
    const timed = async () => {
      const beganMs = performance.now();
      await rehearse();
      took.push(performance.now() - beganMs);
    };
    for (let time = 0; time < 5; time++) await timed();
    for (let time = 0; time < ${collections}; time++) {
      await sleep(${QUIET.eachMs});
      globalThis.gc();
    }
    await timed();
    console.log(JSON.stringify(took));`;
}

/** Takes a minute, on Node 24 where it is there. */
export function benchShortage(): Figure[] {
  const module = new URL(`../../aggregator/rehearsal${extname(import.meta.url)}`, import.meta.url).href;
  const run = (collections: number): readonly number[] => {
    const args = ['--expose-gc', '--input-type=module', '--eval', program(module, collections)];
    return JSON.parse(execFileSync(aggregatorNode(), args, { encoding: 'utf8' })) as number[];
  };
  const runs = Array.from({ length: PROCESSES }, () => run(0));
  const [first, fifth] = [0, 4].map((time) => median(runs.map((took) => took[time]!))) as [number, number];
  const later = run(QUIET.collections);
  const figure = (name: string, value: number, floor: number): Figure => ({ bench: 'shortage', figure: `push to end: ${name}`, value, unit: 'ms', floor }); // prettier-ignore
  return [
    figure('the first of a process', first, fifth),
    figure('after 40 s and eight whole collections', later[5]!, later[4]!),
  ];
}
