// What the kernel tier needs on the host, each with the Debian package that brings it.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

export interface Tool {
  readonly tool: string;
  /** Debian's. */
  readonly packageName: string;
}

const TOOLS: readonly Tool[] = [
  { tool: 'qemu-system-x86_64', packageName: 'qemu-system-x86' },
  { tool: 'cpio', packageName: 'cpio' },
  { tool: 'busybox', packageName: 'busybox-static' },
  { tool: 'mke2fs', packageName: 'e2fsprogs' },
  { tool: 'cc', packageName: 'gcc' },
];

/** /usr/sbin is not on every user's PATH, mke2fs is there. */
const EXTRA_DIRECTORIES = ['/usr/sbin', '/sbin'];

/** @returns the tool's path, or undefined when no directory of `searchPath` has it */
export function findTool(tool: string, searchPath: string): string | undefined {
  return [...searchPath.split(':'), ...EXTRA_DIRECTORIES].map((directory) => join(directory, tool)).find(isExecutable);
}

/** @returns undefined when everything is there, else what to do about it */
export function missingTools(searchPath: string, architecture: string): string | undefined {
  if (architecture !== 'x64') {
    return `the kernel tier emulates an x86-64 machine with this machine's own node: it can't run on ${architecture}`;
  }
  return missingOf('the kernel tier', TOOLS, searchPath);
}

/** @returns undefined when every tool is there, else what to do about it */
export function missingOf(who: string, tools: readonly Tool[], searchPath: string): string | undefined {
  const missing = tools.filter(({ tool }) => findTool(tool, searchPath) === undefined);
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((each) => each.packageName))];
  return (
    `${who} needs ${missing.map(({ tool }) => tool).join(', ')}. On Debian or Ubuntu:\n` +
    `  apt-get update && apt-get install --no-install-recommends -y ${packages.join(' ')}`
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
