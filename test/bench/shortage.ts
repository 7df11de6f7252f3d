// How long the aggregator is busy with a shortage from its push to its end, when it is the first one of the process: what the rehearsal after
// a start takes out of the way. The floor is the fifth one of the same process. The connections are not in it (aggregator/rehearsal.ts).
import { execFileSync } from 'node:child_process';
import { extname } from 'node:path';
import { aggregatorNode } from './cluster-rig.ts';
import type { Figure } from './figure.ts';
import { median } from './median.ts';

const PROCESSES = 25;
const SHORTAGES = 5;

/** Milliseconds of each. */
const TELL = (module: string): string => `
  const { rehearse } = await import(${JSON.stringify(module)});
  const took = [];
  for (let time = 0; time < ${SHORTAGES}; time++) {
    const beganMs = performance.now();
    await rehearse();
    took.push(performance.now() - beganMs);
  }
  console.log(JSON.stringify(took));`;

/** Takes ten seconds, on Node 24 where it is there. */
export function benchShortage(): Figure[] {
  const module = new URL(`../../aggregator/rehearsal${extname(import.meta.url)}`, import.meta.url).href;
  const runs = Array.from({ length: PROCESSES }, () => {
    const output = execFileSync(aggregatorNode(), ['--input-type=module', '--eval', TELL(module)], {
      encoding: 'utf8',
    });
    return JSON.parse(output) as number[];
  });
  const [value, floor] = [0, SHORTAGES - 1].map((time) => median(runs.map((took) => took[time]!))) as [number, number];
  return [{ bench: 'shortage', figure: 'first shortage of a process, push to end', value, unit: 'ms', floor }];
}
