// A process of known needs, in the cgroup named on its command line: `workload.js <cgroup directory> burn <share>`, `… hold <MiB>`,
// `… leak <MiB/s>`, `… burst <MiB>`, `… read <MiB> <file>` or `… thrash <MiB> <file>`.
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const MIB = 2 ** 20;
/** Long enough to be worth a wake-up, short against the window of one second. */
const STEP_MS = 20;

const [directory = '', task, amount = '', file = ''] = process.argv.slice(2);
writeFileSync(join(directory, 'cgroup.procs'), '0');
if (task === 'burn') burn(Number(amount));
else if (task === 'hold') hold(Number(amount));
else if (task === 'leak') leak(Number(amount));
else if (task === 'burst') burst(Number(amount));
else if (task === 'thrash') thrash(Number(amount), file);
else if (task === 'read') read(Number(amount), file);
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

function leak(mibPerS: number): void {
  const kept: Buffer[] = [];
  const startMs = performance.now();
  setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1000) * mibPerS);
    while (kept.length < due) kept.push(Buffer.alloc(MIB, 1));
  }, 10);
}

/** Writes the file, then reads it over and over: page cache that comes and goes. */
function read(mib: number, path: string): void {
  const block = Buffer.alloc(MIB, 1);
  const fd = openSync(path, 'w+');
  for (let at = 0; at < mib; at++) writeSync(fd, block);
  process.once('exit', () => closeSync(fd));
  let next = 0;
  setInterval(() => {
    for (let step = 0; step < 8; step++) readSync(fd, block, 0, MIB, (next++ % mib) * MIB);
  }, 10);
}

/** Takes it all at once after a while, gives it back soon after, and never again. */
function burst(mib: number): void {
  setTimeout(() => {
    let held: Buffer[] | undefined = Array.from({ length: mib }, () => Buffer.alloc(MIB, 1));
    setTimeout(() => {
      held = undefined;
      (globalThis as { gc?: () => void }).gc?.();
    }, 1500);
    void held;
  }, 3000);
}

/** Works on a file of so many MiB, all of it over and over in no order, and needs as much memory again a little later. */
function thrash(mib: number, path: string): void {
  const block = Buffer.alloc(MIB, 1);
  const fd = openSync(path, 'w+');
  for (let at = 0; at < mib; at++) writeSync(fd, block);
  process.once('exit', () => closeSync(fd));
  const page = Buffer.alloc(64 * 1024);
  setInterval(() => {
    for (let step = 0; step < 32; step++)
      readSync(fd, page, 0, page.length, Math.floor(Math.random() * mib * 16) * page.length);
  }, 10);
  const kept: Buffer[] = [];
  const growing = setInterval(() => {
    if (kept.length >= mib) clearInterval(growing);
    else kept.push(Buffer.alloc(MIB, 1));
  }, 50);
}
