// In which of its forms a client takes an object. Contract: k8s.io/apiserver endpoints/handlers RequestScope: tables as JSON and
// YAML only, metadata alone in every encoding.
import type { Conversion, Media, Restrictions } from './media-type.ts';
import { MEDIA_TYPES, negotiate } from './media-type.ts';

export type MetaVersion = 'v1' | 'v1beta1';
export type Form =
  | { readonly kind: 'object' }
  | { readonly kind: 'table'; readonly version: MetaVersion }
  | { readonly kind: 'partial'; readonly version: MetaVersion }
  | { readonly kind: 'partial_list'; readonly version: MetaVersion };

export interface AcceptedForm {
  readonly form: Form;
  readonly media: Media;
  readonly contentType: string;
  readonly pretty: boolean;
}

const KINDS: Readonly<Record<string, 'table' | 'partial' | 'partial_list'>> = {
  Table: 'table',
  PartialObjectMetadata: 'partial',
  PartialObjectMetadataList: 'partial_list',
};
const RESTRICTIONS: Restrictions = {
  allows: (media, convert) => {
    const form = formOf(convert);
    return form !== undefined && !(form.kind === 'table' && media === 'protobuf');
  },
  serverVersion: 'v1',
};

/** @returns undefined when nothing this server has is accepted */
export function acceptedForm(accept: string | undefined): AcceptedForm | undefined {
  const accepted = negotiate(accept, RESTRICTIONS);
  if (!accepted) return undefined;
  const { media, pretty, convert } = accepted;
  return { form: formOf(convert)!, media, pretty, contentType: MEDIA_TYPES[media] };
}

function formOf(convert: Conversion | undefined): Form | undefined {
  if (convert === undefined) return { kind: 'object' };
  const { group, version } = convert;
  if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  const kind = Object.hasOwn(KINDS, convert.kind) ? KINDS[convert.kind] : undefined;
  return kind && { kind, version };
}
