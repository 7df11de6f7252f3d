// A whole cluster for a test file: control plane, nodes, kubectl. `close` ends everything that was started.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '../../agent/runtime/logger.ts';
import type { LogLevel } from '../../agent/runtime/logger.ts';
import { kubectlPath } from '../kubectl/kubectl.ts';
import { CONTROL_PLANE, controlPlaneBinaries } from './control-plane/binaries.ts';
import type { ControlPlane, ControlPlaneOptions } from './control-plane/control-plane.ts';
import { API_SERVICE_ADDRESS, startControlPlane } from './control-plane/control-plane.ts';
import type { Kube } from './kube.ts';
import { Fleet } from './kubelet/fleet.ts';
import { builtImages } from './kubelet/images.ts';
import type { NodeSpec } from './kubelet/node.ts';
import { runPlace } from './namespace.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What installing and asking needs of a cluster, whoever its nodes are. */
export interface Commanded {
  readonly controlPlane: Pick<ControlPlane, 'kubeconfig' | 'auditFile'>;
  readonly kube: Kube;
  /** As administrator. */
  kubectl(...args: readonly string[]): Promise<Said>;
  /** Its output. @throws Error with what it said when it fails */
  kubectlOk(...args: readonly string[]): Promise<string>;
  /** `kubectl apply -f -` of JSON objects. */
  apply(...objects: readonly object[]): Promise<string>;
  /** What the containers of a pod whose name begins so have written. */
  logsOf(podName: string): string | Promise<string>;
}

export interface Cluster extends Commanded {
  readonly controlPlane: ControlPlane;
  readonly fleet: Fleet;
  logsOf(podName: string): string;
  close(): Promise<void>;
}

export interface ClusterOptions extends Partial<
  Pick<ControlPlaneOptions, 'apiserverFlags' | 'controllerManagerFlags' | 'auditUsers'>
> {
  readonly nodes: readonly NodeSpec[];
}

/** `kubectl rollout status` waits itself. */
const KUBECTL_MS = 240_000;

export async function startCluster({ nodes, ...options }: ClusterOptions): Promise<Cluster> {
  const place = runPlace(process.env);
  const folder = mkdtempSync(join(place.folder, 'cluster-'));
  const binaries = await controlPlaneBinaries(process.env, CONTROL_PLANE, () => undefined);
  const controlPlane = await startControlPlane({
    ...options,
    folder: join(folder, 'control-plane'),
    binaries,
    network: 'own',
  });
  const { kube } = controlPlane;
  const level = (process.env['HEADROOM_E2E_LOG'] ?? 'warn') as LogLevel;
  mkdirSync(join(folder, 'fleet'));
  const fleet = new Fleet({
    kube,
    log: createLogger('e2e', level),
    folder: join(folder, 'fleet'),
    images: builtImages(process.env['HEADROOM_E2E_DIST']),
    firstCgroup: place.firstCgroup,
    serviceEnvironment: { KUBERNETES_SERVICE_HOST: API_SERVICE_ADDRESS, KUBERNETES_SERVICE_PORT: '443' },
  });
  const close = async (): Promise<void> => {
    await fleet.stop();
    await controlPlane.stop();
  };
  try {
    for (const node of nodes) await fleet.addNode(node);
    return {
      controlPlane,
      kube,
      fleet,
      ...(await commands(controlPlane, folder)),
      logsOf: (pod) => logsOf(fleet, pod),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param home where kubectl keeps its discovery cache */
export async function commands(
  { kubeconfig }: Pick<ControlPlane, 'kubeconfig'>,
  home: string,
): Promise<Pick<Commanded, 'kubectl' | 'kubectlOk' | 'apply'>> {
  const kubectl = await kubectlWith(kubeconfig, home);
  const kubectlOk = async (...args: readonly string[]): Promise<string> => okOf(args, await kubectl(...args));
  return {
    kubectl,
    kubectlOk,
    apply: async (...objects) => {
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
      return okOf(['apply'], await run(await kubectlPath(), ['apply', '-f', '-'], kubeconfig, home, list));
    },
  };
}

function okOf(args: readonly string[], { code, stdout, stderr }: Said): string {
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} failed: ${stderr}${stdout}`);
  return stdout;
}

/** As whoever the kubeconfig names. @param home where kubectl keeps its discovery cache */
export async function kubectlWith(
  kubeconfig: string,
  home: string,
): Promise<(...args: readonly string[]) => Promise<Said>> {
  const path = await kubectlPath();
  return (...args) => run(path, args, kubeconfig, home);
}

function run(path: string, args: readonly string[], kubeconfig: string, home: string, input?: string): Promise<Said> {
  return new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: home };
    const options = { env, timeout: KUBECTL_MS, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(path, args, options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
    child.stdin?.end(input ?? '');
  });
}

function logsOf({ logFolder }: Fleet, podName: string): string {
  return readdirSync(logFolder)
    .filter((file) => file.includes(`_${podName}`))
    .map((file) => readFileSync(join(logFolder, file), 'utf8'))
    .join('');
}
