// A process of known needs, in the cgroup named on its command line: `workload.js <cgroup directory> burn <share>` or `… hold <MiB>`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MIB = 2 ** 20;
/** Long enough to be worth a wake-up, short against the window of one second. */
const STEP_MS = 20;

const [directory = '', task, amount = ''] = process.argv.slice(2);
writeFileSync(join(directory, 'cgroup.procs'), '0');
if (task === 'burn') burn(Number(amount));
else if (task === 'hold') hold(Number(amount));
else throw new Error(`no such task: ${task}`);

/** Uses `share` of one CPU by its own account of CPU time, whatever an emulated CPU is worth; start-up is not made good. */
function burn(share: number): void {
  const startMs = performance.now();
  const usedAtStartMs = usedMs();
  setInterval(() => {
    const dueMs = (performance.now() - startMs) * share;
    while (usedMs() - usedAtStartMs < dueMs);
  }, STEP_MS);
}

function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function hold(mib: number): void {
  const held = Buffer.alloc(mib * MIB, 1);
  setInterval(() => held[0]!, 60_000);
}
