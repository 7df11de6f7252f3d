// deploy/ as kubectl renders it, and what can be asked of it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAllYaml } from '@kubernetes/client-node';
import { kubectlPath } from '../kubectl/kubectl.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources: { readonly limits: Readonly<Record<string, string>> };
  readonly securityContext: unknown;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
  readonly [probe: `${string}Probe`]: { readonly httpGet: { readonly port: string; readonly path: string } };
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly [Container];
    readonly volumes?: readonly Readonly<Record<string, unknown>>[];
    readonly [field: string]: unknown;
  };
}

/** Fields as far as the tests look at them. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly spec: { readonly template: PodTemplate } & Readonly<Record<string, unknown>>;
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
  readonly [field: string]: unknown;
}

/** @param path from deploy/ on, e.g. overlays/release */
export async function render(path: string): Promise<readonly Manifest[]> {
  return kustomize(join(DEPLOY, path));
}

/** A user's own kustomization over deploy/. @param lines of it, with DEPLOY/ for the folder */
export async function renderOwn(lines: string): Promise<readonly Manifest[]> {
  const folder = mkdtempSync(join(tmpdir(), 'headroom-kustomize-'));
  try {
    writeFileSync(join(folder, 'kustomization.yaml'), lines.replaceAll('DEPLOY', relative(folder, DEPLOY)));
    return await kustomize(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function kustomize(folder: string): Promise<readonly Manifest[]> {
  const yaml = execFileSync(await kubectlPath(), ['kustomize', folder], { encoding: 'utf8' });
  return loadAllYaml(yaml) as Manifest[];
}

export function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (!found) throw new Error(`${kind} ${name} is not there`);
  return found;
}

/**
 * What a ServiceAccount may do, a line a verb and resource: "patch pods/resize", "get secrets/name in namespace".
 * Roles that Kubernetes itself brings are named: "(system:auth-delegator)".
 */
export function rightsOf(manifests: readonly Manifest[], account: string): readonly string[] {
  const bindings = manifests.filter(({ subjects = [] }) =>
    subjects.some(
      ({ kind, name, namespace }) => kind === 'ServiceAccount' && name === account && namespace === 'headroom-system',
    ),
  );
  return bindings.flatMap(({ kind, metadata, roleRef }) => {
    const where = kind === 'RoleBinding' ? ` in ${metadata.namespace}` : '';
    const role = manifests.find(
      (each) =>
        each.kind === roleRef?.kind &&
        each.metadata.name === roleRef.name &&
        (each.kind === 'ClusterRole' || each.metadata.namespace === metadata.namespace),
    );
    return role ? linesOf(role.rules ?? [], where) : [`(${roleRef?.name})${where}`];
  });
}

function linesOf(rules: readonly Rule[], where: string): readonly string[] {
  return rules.flatMap(({ resources, resourceNames, verbs }) =>
    resources.flatMap((resource) =>
      (resourceNames ?? ['']).map((name) => `${verbs.join(', ')} ${resource}${name === '' ? '' : `/${name}`}${where}`),
    ),
  );
}
