// The first boot of a new disk: containerd takes the images in, then the machine powers off.
import { existsSync, readFileSync } from 'node:fs';
import { emulator } from '../vm/emulator.ts';
import type { KernelImage } from '../vm/kernel-image.ts';
import { endWithUs } from '../vm/machine.ts';
import { startQemu } from './qemu.ts';

const BAKE_MS = 240_000;
const MEMORY_MIB = 1536;

export interface BakeParts {
  readonly kernel: KernelImage;
  readonly environment: NodeJS.ProcessEnv;
  readonly say: (text: string) => void;
}

/** @throws Error with the console's last lines when it does not come to its end */
export async function bake(disk: string, { kernel, environment, say }: BakeParts): Promise<void> {
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
  const startMs = performance.now();
  const release = endWithUs(() => qemu.kill());
  const deadline = setTimeout(() => qemu.kill(), BAKE_MS);
  await qemu.ended;
  clearTimeout(deadline);
  release();
  const baked = existsSync(consoleFile) && /^node: \S+ baked/m.test(readFileSync(consoleFile, 'latin1'));
  if (!baked) throw new Error(`the first boot of the node's disk failed:\n${qemu.lastWords()}`);
  say(`the images are in after ${Math.round((performance.now() - startMs) / 1000)} s`);
}
