// Where the control plane's programs come from: KUBEBUILDER_ASSETS (controller-runtime's envtest convention), else a cache
// outside the repository, filled once by building the Go modules that go.mod beside this file pins.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../../vm/kernel-image.ts';
import { findTool } from '../../vm/prerequisites.ts';
import { buildPrograms, isExecutable } from './go-build.ts';

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

/** What the control-plane tier runs. */
export const CONTROL_PLANE: readonly BinaryName[] = ['etcd', 'kube-apiserver', 'kube-controller-manager'];
/** What a real node needs beside it. */
export const REAL_NODE: readonly BinaryName[] = ['kube-scheduler', 'kubelet'];

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

function build(
  names: readonly BinaryName[],
  cache: string,
  version: string,
  environment: NodeJS.ProcessEnv,
  say: (text: string) => void,
): Promise<void> {
  say(`building ${names.join(', ')} ${version} from Go modules: once, about 7 minutes on 2 cores`);
  const packages = Object.fromEntries(names.map((name) => [name, PACKAGES[name]]));
  const linkFlags = linkFlagsOf(version);
  return buildPrograms({ module: moduleFolder(), packages, cache, linkFlags, environment, say });
}

/** Without a version the server calls itself v0.0.0 and its clients mistrust it. */
function linkFlagsOf(version: string): string {
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
  const sets = Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-s', '-w', ...sets].join(' ');
}

function moduleFolder(): string {
  return new URL('.', import.meta.url).pathname;
}
