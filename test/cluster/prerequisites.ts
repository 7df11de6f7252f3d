// What the cluster tier needs on the host, each with the Debian package that brings it.
import { existsSync } from 'node:fs';
import { missingOf } from '../vm/prerequisites.ts';
import type { Tool } from '../vm/prerequisites.ts';

const TOOLS: readonly Tool[] = [
  { tool: 'qemu-system-x86_64', packageName: 'qemu-system-x86' },
  { tool: 'busybox', packageName: 'busybox-static' },
  { tool: 'mke2fs', packageName: 'e2fsprogs' },
  { tool: 'tar', packageName: 'tar' },
  { tool: 'gcc', packageName: 'gcc libc6-dev' },
  { tool: 'ip', packageName: 'iproute2' },
];

/** @returns undefined when everything is there, else what to do about it */
export function missingForCluster(searchPath: string, architecture: string): string | undefined {
  if (architecture !== 'x64') return `the cluster tier emulates an x86-64 machine with this machine's own node: it can't run on ${architecture}`; // prettier-ignore
  if (!existsSync('/dev/net/tun')) return 'the cluster tier needs /dev/net/tun: `modprobe tun`, or give the container that device'; // prettier-ignore
  return missingOf('the cluster tier', TOOLS, searchPath);
}
