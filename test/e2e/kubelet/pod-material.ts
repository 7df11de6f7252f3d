// What a pod needs from the API before its containers start: mounted files (ConfigMaps, Secrets, projected tokens by TokenRequest)
// and environment variables. Files are replaced whole when what they come from changes, as the kubelet's are.
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Kube } from '../kube.ts';
import type { PodPlace } from './pod-fields.ts';
import { expand, podField } from './pod-fields.ts';
import type { EnvVariable, KeyedObject, KeyItem, KeyRef, NamedKeys, ProjectedSource, RunPod, Volume } from './wire.ts';

/** What the kubelet says in a FailedMount event; it tries again. */
export class NotYet extends Error {}

export interface MaterialOptions {
  readonly kube: Kube;
  readonly pod: RunPod;
  readonly place: PodPlace;
  /** The pod's own folder. */
  readonly folder: string;
  /** A node's own folder for a hostPath; undefined: the machine's. */
  readonly hostPath: (path: string) => string | undefined;
}

const DEFAULT_TOKEN_SECONDS = 3607;
/** Of a token's life; the kubelet asks for a new one then. */
const RENEWED_AT = 0.8;

export class PodMaterial {
  readonly #options: MaterialOptions;
  /** File → when to ask for the next token, wall clock ms. */
  readonly #tokens = new Map<string, number>();

  constructor(options: MaterialOptions) {
    this.#options = options;
  }

  /** Brings all volumes up to date. @returns their folders by name @throws NotYet while something is missing */
  async volumes(): Promise<ReadonlyMap<string, string>> {
    const folders = new Map<string, string>();
    for (const volume of this.#options.pod.spec.volumes ?? []) folders.set(volume.name, await this.#volume(volume));
    return folders;
  }

  /** @throws NotYet while a ConfigMap or Secret is missing */
  async environment(variables: readonly EnvVariable[] = []): Promise<Readonly<Record<string, string>>> {
    const values: Record<string, string> = {};
    for (const variable of variables) {
      const value = await this.#variable(variable, values);
      if (value !== undefined) values[variable.name] = value;
    }
    return values;
  }

  async #variable({ value, valueFrom }: EnvVariable, before: Record<string, string>): Promise<string | undefined> {
    const { pod, place } = this.#options;
    if (valueFrom?.fieldRef) return podField(pod, place, valueFrom.fieldRef.fieldPath);
    if (valueFrom?.configMapKeyRef) return this.#key('configmaps', valueFrom.configMapKeyRef);
    if (valueFrom?.secretKeyRef) return this.#key('secrets', valueFrom.secretKeyRef);
    if (valueFrom) throw new Error(`${JSON.stringify(valueFrom)} is not played here`);
    return expand(value ?? '', before);
  }

  async #key(resource: 'configmaps' | 'secrets', { name, key, optional }: KeyRef): Promise<string | undefined> {
    const content = await this.#content(resource, name, optional);
    const value = content?.get(key);
    if (value === undefined && !optional) throw new NotYet(`couldn't find key ${key} in ${resource} ${name}`);
    return value?.toString();
  }

  async #volume(volume: Volume): Promise<string> {
    const { folder, hostPath } = this.#options;
    if (volume.hostPath) {
      const path = hostPath(volume.hostPath.path) ?? volume.hostPath.path;
      if (!statSync(path, { throwIfNoEntry: false }))
        throw new NotYet(`hostPath type check failed: ${path} is missing`);
      return path;
    }
    const target = join(folder, 'volumes', volume.name);
    mkdirSync(target, { recursive: true, mode: 0o777 });
    const { configMap, secret, projected, downwardAPI } = volume;
    if (configMap) await this.#keys('configmaps', configMap, target);
    else if (secret) await this.#keys('secrets', { ...secret, name: secret.secretName }, target);
    else if (downwardAPI) await this.#source({ downwardAPI }, target);
    else if (projected) for (const source of projected.sources ?? []) await this.#source(source, target);
    else if (!volume.emptyDir) throw new Error(`volume ${volume.name} is of a kind that is not played here`);
    return target;
  }

  async #source(source: ProjectedSource, target: string): Promise<void> {
    const { pod, place } = this.#options;
    if (source.serviceAccountToken) await this.#token(source.serviceAccountToken, target);
    if (source.configMap) await this.#keys('configmaps', source.configMap, target);
    if (source.secret) await this.#keys('secrets', source.secret, target);
    for (const { path, fieldRef } of source.downwardAPI?.items ?? []) {
      if (fieldRef) replace(join(target, path), Buffer.from(podField(pod, place, fieldRef.fieldPath)));
    }
  }

  async #keys(resource: 'configmaps' | 'secrets', { name, items, optional }: NamedKeys, target: string): Promise<void> {
    const content = await this.#content(resource, name, optional);
    if (!content) return;
    const wanted: readonly KeyItem[] = items ?? [...content.keys()].map((key) => ({ key, path: key }));
    for (const { key, path } of wanted) {
      const value = content.get(key);
      if (value !== undefined) replace(join(target, path), value);
      else if (!optional) throw new NotYet(`references non-existent config key: ${key} (${resource} ${name})`);
    }
  }

  async #content(
    resource: 'configmaps' | 'secrets',
    name: string,
    optional = false,
  ): Promise<ReadonlyMap<string, Buffer> | undefined> {
    const { kube, pod } = this.#options;
    const answer = await kube.call('GET', `/api/v1/namespaces/${pod.metadata.namespace}/${resource}/${name}`);
    if (answer.status === 404 && optional) return undefined;
    if (answer.status !== 200) throw new NotYet(`${resource} "${name}" not found`);
    const { data = {}, binaryData = {} } = JSON.parse(answer.body.toString()) as KeyedObject;
    const encoding = resource === 'secrets' ? 'base64' : 'utf8';
    return new Map([
      ...Object.entries(data).map(([key, text]) => [key, Buffer.from(text, encoding)] as const),
      ...Object.entries(binaryData).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
    ]);
  }

  async #token(
    { audience, expirationSeconds = DEFAULT_TOKEN_SECONDS, path }: NonNullable<ProjectedSource['serviceAccountToken']>,
    target: string,
  ): Promise<void> {
    const file = join(target, path);
    if (Date.now() < (this.#tokens.get(file) ?? 0)) return;
    const { kube, pod } = this.#options;
    const { name, namespace, uid } = pod.metadata;
    const account = pod.spec.serviceAccountName ?? 'default';
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        ...(audience === undefined ? {} : { audiences: [audience] }),
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    const { status } = await kube.json<{ status: { token: string } }>(
      'POST',
      `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      { body: request },
    );
    replace(file, Buffer.from(status.token));
    this.#tokens.set(file, Date.now() + expirationSeconds * 1000 * RENEWED_AT);
  }
}

/** In one rename, and only where the content is another. */
function replace(file: string, content: Buffer): void {
  try {
    if (readFileSync(file).equals(content)) return;
  } catch {
    mkdirSync(dirname(file), { recursive: true });
  }
  writeFileSync(`${file}.new`, content, { mode: 0o644 });
  renameSync(`${file}.new`, file);
}
