// Everything that a run boots, found in the cache or made once: where there is a network, so outside the run's namespaces.
import { CONTROL_PLANE, controlPlaneBinaries, REAL_NODE } from '../e2e/control-plane/binaries.ts';
import type { BinaryPaths } from '../e2e/control-plane/binaries.ts';
import { kernelImage } from '../vm/kernel-image.ts';
import type { KernelImage } from '../vm/kernel-image.ts';
import { kernelModules } from '../vm/kernel-modules.ts';
import type { NodeDisk } from './node-disk.ts';
import { nodeDisk } from './node-disk.ts';
import { nodePrograms } from './node-programs.ts';
import { missingForCluster } from './prerequisites.ts';

export interface Collected {
  readonly binaries: BinaryPaths;
  readonly kernel: KernelImage;
  readonly disk: NodeDisk;
}

const MODULES = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci',
  'drivers/char/hw_random/virtio-rng',
  'net/core/failover',
  'drivers/net/net_failover',
  'drivers/net/virtio_net',
  'drivers/net/veth',
  'fs/overlayfs/overlay',
];

/** @throws Error that says what to install */
export async function collect(environment: NodeJS.ProcessEnv, say: (text: string) => void): Promise<Collected> {
  const missing = missingForCluster(environment['PATH'] ?? '', process.arch);
  if (missing !== undefined) throw new Error(missing);
  const binaries = await controlPlaneBinaries(environment, [...CONTROL_PLANE, ...REAL_NODE], say);
  const programs = await nodePrograms(environment, say);
  const kernel = kernelImage(environment, say);
  const modules = kernelModules(kernel, MODULES, say);
  const disk = await nodeDisk({ programs, kubelet: binaries.kubelet, kernel, modules, environment, say });
  return { binaries, kernel, disk };
}
