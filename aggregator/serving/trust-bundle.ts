// The CA bundle where clients read it: ConfigMap headroom-ca for the agents, spec.caBundle of the APIServices
// (apiregistration.k8s.io/v1) for kube-apiserver. Only APIServices that point to this aggregator are touched.
import type { NamedObjects, Refusal, WireObject } from './named-object.ts';

export const CA_CONFIG_MAP = 'headroom-ca';
export const METRICS_SERVICE = 'headroom-metrics';
export const API_SERVICES = ['v1.metrics.k8s.io', 'v1beta1.metrics.k8s.io'] as const;

/** An object and what keeps the bundle from being in it; no problem: it is there, or the object is not ours to write. */
export interface Publication {
  readonly object: string;
  readonly problem?: string;
  readonly changed: boolean;
  /** It was another by the time it was written: whoever wrote it may know a newer Secret. */
  readonly late?: true;
}

/** @param bundle PEM certificates */
export async function publishBundle(
  objects: NamedObjects,
  namespace: string,
  bundle: string,
): Promise<readonly Publication[]> {
  return Promise.all([
    publishConfigMap(objects, namespace, bundle),
    ...API_SERVICES.map((name) => publishApiService(objects, namespace, name, bundle)),
  ]);
}

async function publishConfigMap(objects: NamedObjects, namespace: string, bundle: string): Promise<Publication> {
  const collection = `/api/v1/namespaces/${namespace}/configmaps`;
  const path = `${collection}/${CA_CONFIG_MAP}`;
  const object = `configmap ${namespace}/${CA_CONFIG_MAP}`;
  const data = { 'ca.crt': bundle };
  const read = await objects.read(path);
  if (read.kind === 'absent') {
    const metadata = { name: CA_CONFIG_MAP, namespace };
    const made = await objects.create(collection, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
    return outcome(object, made, `create configmaps in namespace ${namespace}, or apply deploy/base, which ships it`);
  }
  if (read.kind !== 'found') return { object, changed: false, problem: problemOf(read, `get ${object}`) };
  if (read.object.data?.['ca.crt'] === bundle) return { object, changed: false };
  const answer = await objects.patch(path, read.object.metadata?.resourceVersion, { data });
  return outcome(object, answer, `patch ${object}`);
}

async function publishApiService(
  objects: NamedObjects,
  namespace: string,
  name: string,
  bundle: string,
): Promise<Publication> {
  const path = `/apis/apiregistration.k8s.io/v1/apiservices/${name}`;
  const object = `apiservice ${name}`;
  const caBundle = Buffer.from(bundle).toString('base64');
  const read = await objects.read(path);
  // Not registered, or with another server: component metrics-api is not applied.
  if (read.kind === 'absent' || (read.kind === 'found' && !isOurs(read.object, namespace)))
    return { object, changed: false };
  if (read.kind !== 'found') return { object, changed: false, problem: problemOf(read, `get ${object}`) };
  const { spec, metadata } = read.object;
  if (spec?.['caBundle'] === caBundle && spec['insecureSkipTLSVerify'] !== true) return { object, changed: false };
  // On the version that was read: the service can't have become another's meanwhile. The API server refuses a bundle beside the skip.
  const changes = { spec: { caBundle, insecureSkipTLSVerify: false } };
  const answer = await objects.patch(path, metadata?.resourceVersion, changes);
  return outcome(object, answer, `patch ${object} (deploy/components/metrics-api)`);
}

function isOurs({ spec }: WireObject, namespace: string): boolean {
  const service = spec?.['service'] as { readonly name?: string; readonly namespace?: string } | null | undefined;
  return service?.name === METRICS_SERVICE && service.namespace === namespace;
}

type Written = Awaited<ReturnType<NamedObjects['patch']>>;

function outcome(object: string, answer: Written, right: string): Publication {
  switch (answer.kind) {
    case 'written':
      return { object, changed: true };
    case 'conflict':
      return { object, changed: false, late: true, problem: 'somebody else wrote it at the same time' };
    case 'absent':
      return { object, changed: false, late: true, problem: 'it is not there any more' };
    default:
      return { object, changed: false, problem: problemOf(answer, right) };
  }
}

function problemOf(refusal: Refusal, right: string): string {
  return refusal.kind === 'failed' ? refusal.reason : `the right is missing to ${right}: ${refusal.message}`;
}
