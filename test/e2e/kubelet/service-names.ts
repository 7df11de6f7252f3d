// Names of headless Services for the harness's pods: no DNS server, a hosts file kept as the EndpointSlices say.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { Kube, KubeMeta } from '../kube.ts';

interface EndpointSlice {
  readonly metadata: KubeMeta;
  /** null while there is none. */
  readonly endpoints:
    | readonly {
        readonly addresses: readonly string[];
        readonly conditions?: { readonly ready?: boolean };
      }[]
    | null;
}

export interface ServiceNames {
  /** Its inode stays: it is bound into containers. */
  readonly file: string;
  close(): void;
}

export function keepServiceNames(kube: Kube, file: string): ServiceNames {
  const slices = new Map<string, EndpointSlice>();
  const fd = openSync(file, 'w+', 0o644);
  const write = (): void => {
    const lines = [...slices.values()].flatMap(linesOf).toSorted();
    const text = ['127.0.0.1 localhost', ...new Set(lines), ''].join('\n');
    writeSync(fd, text, 0, 'utf8');
    ftruncateSync(fd, Buffer.byteLength(text));
  };
  write();
  const watch = kube.watch<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices', {
    onObject: (slice) => {
      slices.set(slice.metadata.uid ?? slice.metadata.name, slice);
      write();
    },
    onGone: ({ metadata }) => {
      slices.delete(metadata.uid ?? metadata.name);
      write();
    },
  });
  return {
    file,
    close: () => {
      watch.close();
      closeSync(fd);
    },
  };
}

function linesOf({ metadata, endpoints }: EndpointSlice): readonly string[] {
  const service = metadata.labels?.['kubernetes.io/service-name'];
  // Others have a cluster address, for which there is no kube-proxy here.
  if (service === undefined || metadata.labels?.['service.kubernetes.io/headless'] === undefined) return [];
  const name = `${service}.${metadata.namespace}`;
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses.map((address) => `${address} ${name}.svc.cluster.local ${name}.svc ${name}`));
}
