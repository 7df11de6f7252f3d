// Objects as PartialObjectMetadata (meta/v1), which is what metrics-server asks for of pods.

export const METADATA_KIND = 'PartialObjectMetadata';

export function wantsMetadata(accept: string | undefined): boolean {
  return accept?.includes(`as=${METADATA_KIND}`) ?? false;
}

/** @param object JSON of an item of a list */
export function metadataOf(object: string): string {
  const { metadata } = JSON.parse(object) as { readonly metadata: object };
  return JSON.stringify({ metadata });
}

/** @param line an event of a watch */
export function asMetadata(line: string): string {
  const { type, object } = JSON.parse(line) as {
    readonly type: string;
    readonly object: { readonly metadata: object };
  };
  const partial = { kind: METADATA_KIND, apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
  return `${JSON.stringify({ type, object: partial })}\n`;
}
