// The first boot of a new disk: containerd takes the images in, then the machine powers off.
import { existsSync, readFileSync } from 'node:fs';
import { emulator } from '../vm/emulator.ts';
import type { KernelImage } from '../vm/kernel-image.ts';
import { endWithUs } from '../vm/machine.ts';
import { startQemu } from './qemu.ts';
import { watchBoots } from './watchdog.ts';

const BAKE_MS = 240_000;
const MEMORY_MIB = 1536;
const MOST_BOOTS = 2;

export interface BakeParts {
  readonly kernel: KernelImage;
  readonly environment: NodeJS.ProcessEnv;
  readonly say: (text: string) => void;
}

/** @throws Error with the console's last lines when it does not come to its end */
export async function bake(disk: string, parts: BakeParts): Promise<void> {
  const startMs = performance.now();
  for (let boots = 1; ; boots++) {
    const { isUp, isBaked, lastWords } = await bootOnce(disk, parts);
    if (isBaked) break;
    // Whose init has said something did not hang while it booted.
    if (isUp || boots === MOST_BOOTS) throw new Error(`the first boot of the node's disk failed:\n${lastWords}`);
  }
  parts.say(`the images are in after ${Math.round((performance.now() - startMs) / 1000)} s`);
}

interface Boot {
  readonly isUp: boolean;
  readonly isBaked: boolean;
  readonly lastWords: string;
}

async function bootOnce(disk: string, { kernel, environment, say }: BakeParts): Promise<Boot> {
  const consoleFile = `${disk}.console`;
  const qemu = startQemu({
    qemu: emulator(environment, say),
    kernel: kernel.path,
    disk,
    keep: true,
    memoryMiB: MEMORY_MIB,
    parameters: ['headroom.bake=1'],
    consoleFile,
  });
  const release = endWithUs(() => qemu.kill());
  const deadline = setTimeout(() => qemu.kill(), BAKE_MS);
  // A reset ends this machine.
  const watchdog = watchBoots({ consoleFile, reset: qemu.reset, say });
  await qemu.ended;
  watchdog.close();
  clearTimeout(deadline);
  release();
  const told = existsSync(consoleFile) ? readFileSync(consoleFile, 'latin1') : '';
  return { isUp: /^node: /m.test(told), isBaked: /^node: \S+ baked/m.test(told), lastWords: qemu.lastWords() };
}
