// Downward API: fields of a pod as environment variables and files; $(NAME) in arguments. Source: core/v1 ObjectFieldSelector,
// kubelet's expansion (third_party/forked/golang/expansion): $$ is a dollar, an unknown name stays as it is.
import type { RunPod } from './wire.ts';

export interface PodPlace {
  readonly podIP: string;
  readonly hostIP: string;
}

/** @throws Error for a field that a kubelet would refuse */
export function podField(pod: RunPod, place: PodPlace, path: string): string {
  const { metadata, spec } = pod;
  const named = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (named) return metadata[named[1] as 'labels' | 'annotations']?.[named[2]!] ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.hostIP': place.hostIP,
    'status.hostIPs': place.hostIP,
    'status.podIP': place.podIP,
    'status.podIPs': place.podIP,
  };
  const value = fields[path];
  if (value === undefined) throw new Error(`${path} is no field that can be told to a container`);
  return value;
}

export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (all, name: string | undefined) => {
    if (name === undefined) return '$';
    return variables[name] ?? all;
  });
}
