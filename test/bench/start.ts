// What a process of each image takes until it can read its flags (`--help`): Node, its own modules, the bundle. The floor is Node with the
// image's flags and an empty file, by turns in the same run.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleOf } from './bundle.ts';
import type { Bundled } from './bundle.ts';
import { aggregatorNode } from './cluster-rig.ts';
import type { Figure } from './figure.ts';
import { median } from './median.ts';

const STARTS = 25;
const ROLES = ['agent', 'aggregator'] as const;

/** A process tells what it took, by its own account, on descriptor 3. */
const TELL = `process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  require('node:fs').writeSync(3, JSON.stringify({ cpuUs: user + system, peakKib: process.resourceUsage().maxRSS }));
});`;

interface Taken {
  readonly cpuUs: number;
  readonly peakKib: number;
}

/** Takes ten seconds, on Node 24 where it is there. */
export function benchStart(): Figure[] {
  const folder = mkdtempSync(join(tmpdir(), 'headroom-bench-'));
  try {
    const [tell, empty] = [join(folder, 'tell.cjs'), join(folder, 'empty.mjs')];
    writeFileSync(tell, TELL);
    writeFileSync(empty, '');
    return ROLES.flatMap((role) => {
      const bundled = bundleOf(role, folder);
      const ofRole: Taken[] = [];
      const ofNode: Taken[] = [];
      for (let start = 0; start < STARTS; start++) {
        ofRole.push(takenBy(bundled, tell, [bundled.entry, '--help']));
        ofNode.push(takenBy(bundled, tell, [empty]));
      }
      const figure = (name: string, unit: string, of: (taken: Taken) => number): Figure => {
        const [value, floor] = [ofRole, ofNode].map((all) => median(all.map(of))) as [number, number];
        return { bench: 'start', figure: `${role}: ${name}`, value, unit, floor };
      };
      return [
        figure('cpu', 'ms', ({ cpuUs }) => cpuUs / 1000),
        figure('peak resident memory', 'MiB', ({ peakKib }) => peakKib / 1024),
      ];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function takenBy({ nodeFlags, environment }: Bundled, tell: string, args: readonly string[]): Taken {
  const { status, output, error } = spawnSync(aggregatorNode(), [...nodeFlags, '--require', tell, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...environment },
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
  return JSON.parse(String(output[3])) as Taken;
}
