// Where the control plane's programs come from: KUBEBUILDER_ASSETS (controller-runtime's envtest convention), else a cache
// outside the repository, filled once by building the Go modules that go.mod beside this file pins.
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheDirectory } from '../../vm/kernel-image.ts';
import { findTool } from '../../vm/prerequisites.ts';

const PACKAGES = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
} as const;

export type BinaryName = keyof typeof PACKAGES;
/** By name, absolute. */
export type BinaryPaths = Readonly<Record<BinaryName, string>>;

/** What the tier runs; a real node also needs a kubelet. */
export const CONTROL_PLANE: readonly BinaryName[] = ['etcd', 'kube-apiserver', 'kube-controller-manager'];

const SAY_EVERY_MS = 15_000;

/** vX.Y.Z of k8s.io/kubernetes in go.mod. */
export function pinnedVersion(): string {
  const version = /k8s\.io\/kubernetes (v\S+)/.exec(readFileSync(join(moduleFolder(), 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new Error('go.mod pins no k8s.io/kubernetes');
  return version;
}

/** @throws Error that says what to do when there are neither the programs nor Go */
export async function controlPlaneBinaries(
  environment: NodeJS.ProcessEnv,
  wanted: readonly BinaryName[],
  say: (text: string) => void,
): Promise<BinaryPaths> {
  const assets = environment['KUBEBUILDER_ASSETS'];
  const version = pinnedVersion();
  const cache = join(cacheDirectory(environment), 'control-plane', version);
  const found = new Map<BinaryName, string>();
  for (const name of wanted) {
    const path = [...(assets ? [assets] : []), cache].map((folder) => join(folder, name)).find(isExecutable);
    if (path !== undefined) found.set(name, path);
  }
  const missing = wanted.filter((name) => !found.has(name));
  if (missing.length > 0) {
    if (assets) say(`KUBEBUILDER_ASSETS has no ${missing.join(', ')}`);
    if (findTool('go', environment['PATH'] ?? '') === undefined) throw new Error(noGo(missing, version));
    await build(missing, cache, version, environment, say);
    for (const name of missing) found.set(name, join(cache, name));
  }
  return Object.fromEntries(found) as BinaryPaths;
}

function noGo(missing: readonly BinaryName[], version: string): string {
  return (
    `the control-plane tier needs ${missing.join(', ')} of Kubernetes ${version}. Either set KUBEBUILDER_ASSETS to a folder ` +
    'that has them (setup-envtest brings etcd and kube-apiserver), or install Go (https://go.dev/dl, version in ' +
    'test/e2e/control-plane/go.mod): they are then built once, in about 7 minutes on 2 cores, and kept in ~/.cache/headroom'
  );
}

async function build(
  names: readonly BinaryName[],
  cache: string,
  version: string,
  environment: NodeJS.ProcessEnv,
  say: (text: string) => void,
): Promise<void> {
  const staged = `${cache}.${process.pid}`;
  mkdirSync(staged, { recursive: true });
  say(`building ${names.join(', ')} ${version} from Go modules: once, about 7 minutes on 2 cores`);
  const startMs = performance.now();
  let packages = 0;
  const total = await countPackages(names, environment);
  const elapsed = (): string => `${Math.round((performance.now() - startMs) / 1000)} s`;
  const timer = setInterval(() => say(`${packages} of ${total} packages compiled after ${elapsed()}`), SAY_EVERY_MS);
  try {
    // A package a line as it is compiled; from a warm cache few lines come.
    const args = ['build', '-v', '-trimpath', '-buildvcs=false', '-ldflags', linkFlags(version), '-o', `${staged}/`];
    await go([...args, ...names.map((name) => PACKAGES[name])], environment, () => packages++);
    mkdirSync(cache, { recursive: true });
    for (const name of names) renameSync(join(staged, fileOf(name)), join(cache, name));
    say(`built after ${elapsed()}`);
  } finally {
    clearInterval(timer);
    rmSync(staged, { recursive: true, force: true });
  }
}

/** Without a version the server calls itself v0.0.0 and its clients mistrust it. */
function linkFlags(version: string): string {
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const sets = Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-s', '-w', ...sets].join(' ');
}

/** `go build` names a program by the last part of its package's path, a version aside. */
function fileOf(name: BinaryName): string {
  return name === 'etcd' ? 'server' : name;
}

async function countPackages(names: readonly BinaryName[], environment: NodeJS.ProcessEnv): Promise<number> {
  let count = 0;
  await go(['list', '-deps', ...names.map((name) => PACKAGES[name])], environment, () => count++);
  return count;
}

/** @param onLine each line of either output */
function go(args: readonly string[], environment: NodeJS.ProcessEnv, onLine: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, {
      cwd: moduleFolder(),
      env: { ...environment, CGO_ENABLED: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const last: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        onLine();
        last.push(line);
        if (last.length > 20) last.shift();
      });
    }
    child.once('error', reject);
    child.once('close', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`go ${args[0]} failed:\n${last.join('\n')}`));
    });
  });
}

function moduleFolder(): string {
  return new URL('.', import.meta.url).pathname;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
