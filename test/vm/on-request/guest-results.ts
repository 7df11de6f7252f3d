// One boot for one scenario: its results, or an error that says all there is to say.
import { emulator } from '../emulator.ts';
import { buildGuestImage } from '../initramfs.ts';
import { kernelImage } from '../kernel-image.ts';
import { runGuest } from '../machine.ts';
import type { Boot, GuestRun } from '../machine.ts';
import { missingTools } from '../prerequisites.ts';

const MEMORY_MIB = 1536;

type Options = Pick<Boot, 'onlyOnce' | 'kernelParameters'>;

/** @throws Error naming the tool that is missing, or what failed in the guest with its logs and console */
export async function guestResults(
  scenario: string,
  timeoutMs: number,
  options: Options = {},
): Promise<ReadonlyMap<string, unknown>> {
  const run = await guestRun(scenario, timeoutMs, options);
  if (run.ended && run.failures.length === 0) return run.results;
  const why = run.failures.join('\n') || 'the guest did not come to its end';
  throw new Error(`${why}\n--- logs\n${run.logs.join('\n')}\n--- console\n${run.console}`);
}

/** However it ended. @throws Error naming the tool that is missing */
export async function guestRun(scenario: string, timeoutMs: number, options: Options): Promise<GuestRun> {
  const searchPath = process.env['PATH'] ?? '';
  const say = (text: string): void => void process.stderr.write(`${scenario}: ${text}\n`);
  const missing = missingTools(searchPath, process.arch);
  if (missing !== undefined) throw new Error(missing);
  const kernel = kernelImage(process.env, say);
  const image = await buildGuestImage(searchPath);
  try {
    const qemu = emulator(process.env, say);
    return await runGuest({ kernel, image, qemu, scenario, timeoutMs, memoryMiB: MEMORY_MIB, say, ...options });
  } finally {
    image.remove();
  }
}
