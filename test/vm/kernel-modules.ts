// Modules of the guest's kernel, for a guest that needs more than the cloud kernel has built in; cached beside its image.
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { KernelImage } from './kernel-image.ts';
import { unpacked } from './kernel-image.ts';

/**
 * @param names as `drivers/net/veth`, below kernel/ of the module tree
 * @returns files in the order of the names
 * @throws Error where the kernel came from elsewhere or its package is not to be had any more
 */
export function kernelModules(
  { path, version }: KernelImage,
  names: readonly string[],
  say: (text: string) => void,
): readonly string[] {
  const cache = join(dirname(path), 'modules');
  const files = names.map((name) => join(cache, `${basename(name)}.ko`));
  if (files.every((file) => existsSync(file))) return files;
  const [packageName = ''] = version.split('_');
  if (version === 'given') {
    throw new Error(`put ${names.map((name) => `${basename(name)}.ko`).join(', ')} into ${cache}: HEADROOM_VM_KERNEL names a kernel that no package brings`); // prettier-ignore
  }
  say(`fetching modules of ${version}`);
  unpacked(packageName, (folder) => {
    const tree = join(folder, 'lib/modules');
    const [release] = readdirSync(tree);
    const staged = `${cache}.${process.pid}`;
    mkdirSync(staged, { recursive: true });
    for (const name of names) {
      copyFileSync(join(tree, release!, 'kernel', `${name}.ko`), join(staged, `${basename(name)}.ko`));
    }
    rmSync(cache, { recursive: true, force: true });
    renameSync(staged, cache);
  });
  return files;
}
