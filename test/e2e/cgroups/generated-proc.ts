// The files of /proc in which a node differs from the machine that plays it; bound over /proc in its pods.
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Capacity } from '../../../aggregator/standalone/kubelet/node-object.ts';

const KIB = 1024;

/** @returns names below /proc of what was made */
export function makeGeneratedProc(folder: string, { cpuMillis, memoryBytes }: Capacity): readonly string[] {
  const kib = Math.floor(memoryBytes / KIB);
  const cpus = Math.ceil(cpuMillis / 1000);
  const cpuLines = Array.from({ length: cpus }, (_, cpu) => `cpu${cpu} 1000 0 1000 100000 0 0 0 0 0 0\n`).join('');
  const files: Readonly<Record<string, string>> = {
    'sys/kernel/random/boot_id': `${randomUUID()}\n`,
    meminfo: [
      ['MemTotal', kib],
      ['MemFree', Math.floor(kib / 2)],
      ['MemAvailable', Math.floor(kib / 2)],
      ['Buffers', 0],
      ['Cached', 0],
      ['SwapTotal', 0],
      ['SwapFree', 0],
    ]
      .map(([name, amount]) => `${name}: ${amount} kB\n`)
      .join(''),
    stat: `cpu 1000 0 1000 100000 0 0 0 0 0 0\n${cpuLines}`,
    loadavg: '0.10 0.10 0.10 1/100 1000\n',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return Object.keys(files);
}
