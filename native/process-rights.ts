// CapEff (proc(5), capabilities(7)), BTF and the kernel's version of the running process.
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Rights } from './cause.ts';

export function readRights(procRoot = '/proc', sysRoot = '/sys'): Rights {
  return {
    capabilities: effectiveCapabilities(`${procRoot}/self/status`),
    btf: existsSync(`${sysRoot}/kernel/btf/vmlinux`),
    kernel: release(),
  };
}

/** None when the file can't be read: the kernel then has the last word. */
function effectiveCapabilities(file: string): bigint {
  try {
    const [, hex] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(file, 'latin1')) ?? [];
    return hex === undefined ? 0n : BigInt(`0x${hex}`);
  } catch {
    return 0n;
  }
}
