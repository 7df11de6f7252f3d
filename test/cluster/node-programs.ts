// containerd, runc and the CNI plugins of the node, built once from the Go modules that programs/go.mod pins: static programs,
// cached outside the repository by what go.mod and go.sum say.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPrograms, isExecutable } from '../e2e/control-plane/go-build.ts';
import { cacheDirectory } from '../vm/kernel-image.ts';
import { findTool } from '../vm/prerequisites.ts';

const MODULE = join(import.meta.dirname, 'programs');
const CONTAINERD = 'github.com/containerd/containerd/v2/cmd';
const CNI = 'github.com/containernetworking/plugins/plugins';

const PLAIN = {
  containerd: `${CONTAINERD}/containerd`,
  'containerd-shim-runc-v2': `${CONTAINERD}/containerd-shim-runc-v2`,
  ctr: `${CONTAINERD}/ctr`,
  'host-local': `${CNI}/ipam/host-local`,
  loopback: `${CNI}/main/loopback`,
  ptp: `${CNI}/main/ptp`,
} as const;
const RUNC = { runc: 'github.com/opencontainers/runc' } as const;
const LIBSECCOMP = 'libseccomp.a';

export type ProgramName = keyof typeof PLAIN | keyof typeof RUNC;
/** By name, absolute. */
export type NodePrograms = Readonly<Record<ProgramName, string>>;

/** In the guest, CNI plugins have a folder of their own. */
export const CNI_PLUGINS: readonly ProgramName[] = ['host-local', 'loopback', 'ptp'];

/** @throws Error that says what to install */
export async function nodePrograms(environment: NodeJS.ProcessEnv, say: (text: string) => void): Promise<NodePrograms> {
  const cache = join(cacheDirectory(environment), 'node-programs', programsVersion());
  const build = { module: MODULE, cache, environment, say };
  if (!complete(cache, PLAIN)) {
    needGo(environment);
    say('building containerd and the CNI plugins from Go modules: once, about 2 minutes on 2 cores');
    await buildPrograms({ ...build, packages: PLAIN, linkFlags: '-s -w' });
  }
  if (!complete(cache, RUNC)) {
    needGo(environment);
    needSeccomp(environment);
    say('building runc');
    await buildPrograms({
      ...build,
      packages: RUNC,
      cgo: true,
      // Without the tag seccomp the kubelet's sandboxes, whose profile is RuntimeDefault, can't start.
      flags: ['-tags', 'netgo osusergo seccomp'],
      linkFlags: '-s -w -linkmode external -extldflags -static',
    });
  }
  const names = Object.keys({ ...PLAIN, ...RUNC });
  return Object.fromEntries(names.map((name) => [name, join(cache, name)])) as NodePrograms;
}

/** A short digest of what is built. */
export function programsVersion(): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(MODULE, file)));
  return hash.digest('hex').slice(0, 16);
}

function complete(cache: string, packages: Readonly<Record<string, string>>): boolean {
  return Object.keys(packages).every((name) => isExecutable(join(cache, name)));
}

function needGo({ PATH = '' }: NodeJS.ProcessEnv): void {
  if (findTool('go', PATH) !== undefined) return;
  throw new Error(
    'the cluster tier builds containerd, runc and the CNI plugins once from their Go modules: install Go ' +
      '(https://go.dev/dl, version in test/cluster/programs/go.mod)',
  );
}

function needSeccomp({ PATH = '' }: NodeJS.ProcessEnv): void {
  const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'];
  const library = folders.some((folder) => existsSync(join(folder, LIBSECCOMP)));
  if (library && findTool('pkg-config', PATH) !== undefined) return;
  throw new Error(
    `runc is linked with ${LIBSECCOMP}, which pkg-config finds. On Debian or Ubuntu:\n` +
      '  apt-get update && apt-get install --no-install-recommends -y libseccomp-dev pkg-config gcc libc6-dev',
  );
}
