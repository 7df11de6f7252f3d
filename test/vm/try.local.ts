import { buildGuestImage } from './initramfs.ts';
import { kernelImage } from './kernel-image.ts';
import { runGuest } from './machine.ts';
import { statSync } from 'node:fs';
const [scenario = 'machine', ...entries] = process.argv.slice(2);
const say = (t: string): void => console.log(t);
const t0 = performance.now();
const kernel = kernelImage(process.env, say);
const image = await buildGuestImage(
  process.env['PATH']!,
  entries.length ? entries.map((e) => ({ in: e, out: e.replace(/\.js$/, '') })) : undefined,
);
say(`image ${statSync(image.initramfs).size >> 20} MiB ${Math.round(performance.now() - t0)} ms`);
const run = await runGuest({
  kernel,
  image,
  qemu: 'qemu-system-x86_64',
  scenario,
  timeoutMs: 120_000,
  memoryMiB: 1536,
  say,
});
for (const [k, v] of run.results) say(`${k}: ${JSON.stringify(v).slice(0, 1500)}`);
say(`failures ${run.failures.join('\n')} ended ${run.ended} ${Math.round(run.durationMs)} ms\n${run.console}`);
if (run.failures.length) say(run.logs.join('\n'));
image.remove();
