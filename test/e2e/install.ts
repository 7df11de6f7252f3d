// Headroom installed as its users install it: `kubectl apply -k`, the manifests unchanged.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Commanded } from './cluster.ts';
import { REPOSITORY } from './kubelet/images.ts';
import { eventually } from './until.ts';

export const SYSTEM = 'headroom-system';
export const AGGREGATORS = 'app.kubernetes.io/component=aggregator';
export const AGENTS = 'app.kubernetes.io/component=agent';
const READY_MS = 90_000;

/**
 * @param components beside those of the overlay, by their folder's name
 * @returns the folder that was applied
 */
export async function install(
  cluster: Commanded,
  overlay: 'release' | 'beside' = 'release',
  components: readonly string[] = [],
  readyMs = READY_MS,
): Promise<string> {
  const plain = join(REPOSITORY, 'deploy/overlays', overlay);
  const folder = components.length === 0 ? plain : withComponents(cluster, plain, components);
  await cluster.kubectlOk('apply', '-k', folder);
  await rolledOut(cluster, readyMs);
  if (overlay === 'release') await eventually(() => available(cluster), readyMs, 200);
  return folder;
}

/** A kustomization as a user writes one. */
function withComponents(cluster: Commanded, overlay: string, components: readonly string[]): string {
  const folder = mkdtempSync(join(dirname(cluster.controlPlane.kubeconfig), 'kustomize-'));
  const to = (path: string): string => relative(folder, path);
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [to(overlay)],
    components: components.map((name) => to(join(REPOSITORY, 'deploy/components', name))),
  };
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
  return folder;
}

async function rolledOut(cluster: Commanded, readyMs: number): Promise<void> {
  for (const what of ['deployment/headroom-aggregator', 'daemonset/headroom-agent']) {
    const said = await cluster.kubectl('rollout', 'status', what, '-n', SYSTEM, `--timeout=${readyMs / 1000}s`);
    if (said.code !== 0) throw new Error(`${said.stderr}${said.stdout}\n${await explain(cluster)}`);
  }
}

/** @throws Error with the APIService's own reason while it is not */
async function available(cluster: Commanded): Promise<void> {
  for (const version of ['v1', 'v1beta1']) {
    const { status } = await cluster.kube.json<{
      status?: { conditions?: readonly { type: string; status: string; message?: string }[] };
    }>('GET', `/apis/apiregistration.k8s.io/v1/apiservices/${version}.metrics.k8s.io`);
    const condition = status?.conditions?.find(({ type }) => type === 'Available');
    if (condition?.status !== 'True')
      throw new Error(`${version} is not available: ${condition?.message ?? 'not checked yet'}`);
  }
}

/** As an administrator adds one; both replicas are replaced. */
export async function addAggregatorFlag(cluster: Commanded, flag: string): Promise<void> {
  const patch = JSON.stringify([{ op: 'add', path: '/spec/template/spec/containers/0/args/-', value: flag }]);
  const what = 'deployment/headroom-aggregator';
  await cluster.kubectlOk('patch', what, '-n', SYSTEM, '--type=json', '-p', patch);
  await cluster.kubectlOk('rollout', 'status', what, '-n', SYSTEM, `--timeout=${READY_MS / 1000}s`);
}

/** For a failure's message: what the pods are and said. */
export async function explain(cluster: Commanded): Promise<string> {
  const pods = await cluster.kubectl('get', 'pods', '-n', SYSTEM, '-o', 'wide');
  const events = await cluster.kubectl('get', 'events', '-n', SYSTEM, '--sort-by=.lastTimestamp');
  const last = (text: string, lines: number): string => text.trimEnd().split('\n').slice(-lines).join('\n');
  return [pods.stdout, last(events.stdout, 15), last(await cluster.logsOf('headroom-'), 30)].join('\n');
}
