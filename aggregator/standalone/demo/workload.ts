// What the demo's pods run: `node workload.js steady|bursty|leak|file-reader [MiB a second]`. Ends when its stdin does, that is, with the launcher.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MIB = 1024 * 1024;
const SLOT_MS = 100;

const WORKLOADS: Readonly<Record<string, (rateMibPerSecond: number) => void>> = {
  steady: () => {
    hold(50);
    setInterval(() => burn(SLOT_MS * 0.05), SLOT_MS);
  },
  bursty: () => {
    // Two seconds of all it can get, six of rest.
    const burst = (): void => {
      const endMs = performance.now() + 2000;
      const slice = (): void => {
        burn(20);
        if (performance.now() < endMs) setImmediate(slice);
        else setTimeout(burst, 6000);
      };
      slice();
    };
    burst();
  },
  leak: (rate) => {
    const leaked: Buffer[] = [];
    const stepMib = rate / (1000 / SLOT_MS);
    const timer = setInterval(() => {
      leaked.push(filled(stepMib));
      if (leaked.length * stepMib >= LEAK_MIB) clearInterval(timer);
    }, SLOT_MS);
    // The interval below keeps the process and what it holds.
    setInterval(() => leaked.length, 60_000);
  },
  'file-reader': readFileForever,
};

const LEAK_MIB = 400;
/** Over the container's limit of 96 MiB: its page cache is always full. */
const FILE_MIB = 160;
const held: Buffer[] = [];

function hold(mib: number): void {
  held.push(filled(mib));
}

function filled(mib: number): Buffer {
  return Buffer.alloc(Math.round(mib * MIB), 1);
}

function burn(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs);
}

function readFileForever(): void {
  const folder = mkdtempSync(join(diskFolder(), 'headroom-demo-'));
  const fd = openSync(join(folder, 'big-file'), 'wx+');
  // Without a name the file goes with the process, however that ends.
  rmSync(folder, { recursive: true });
  const block = filled(1);
  for (let written = 0; written < FILE_MIB; written++) writeSync(fd, block, 0, block.length, written * MIB);
  let at = 0;
  const timer = setInterval(() => {
    for (let blocks = 0; blocks < 8; blocks++, at = (at + 1) % FILE_MIB) readSync(fd, block, 0, block.length, at * MIB);
  }, SLOT_MS / 2);
  process.once('exit', () => {
    clearInterval(timer);
    closeSync(fd);
  });
}

/** A file on tmpfs is memory that can't be reclaimed: the file has to lie on a disk. */
function diskFolder(): string {
  const TMPFS = 0x01021994;
  const RAMFS = 0x858458f6;
  const folders = [tmpdir(), '/var/tmp', process.cwd()];
  return folders.find((folder) => isOn(folder, (type) => type !== TMPFS && type !== RAMFS)) ?? tmpdir();
}

function isOn(folder: string, wanted: (type: number) => boolean): boolean {
  try {
    return wanted(statfsSync(folder).type);
  } catch {
    return false;
  }
}

const [, , name = '', rate = '10'] = process.argv;
const workload = WORKLOADS[name];
if (!workload) {
  process.stderr.write(`no workload ${JSON.stringify(name)}: one of ${Object.keys(WORKLOADS).join(', ')}\n`);
  process.exit(2);
}
process.stdin.on('end', () => process.exit(0)).resume();
workload(Number(rate));
