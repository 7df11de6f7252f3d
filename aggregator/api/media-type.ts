// Which form of an object the client takes. Contract: k8s.io/apiserver endpoints/handlers/negotiation: media ranges by
// quality, then in their order; `as`, `g` and `v` ask for a transformed object.

export interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export type MetaVersion = 'v1' | 'v1beta1';
export type Form =
  | { readonly kind: 'object' }
  | { readonly kind: 'table'; readonly version: MetaVersion }
  | { readonly kind: 'partial'; readonly version: MetaVersion }
  | { readonly kind: 'partial_list'; readonly version: MetaVersion };

/** Longer headers are read up to here: no client sends as many ranges. */
const MAX_RANGES = 32;
const OBJECT: Form = { kind: 'object' };
const KINDS: Readonly<Record<string, 'table' | 'partial' | 'partial_list'>> = {
  Table: 'table',
  PartialObjectMetadata: 'partial',
  PartialObjectMetadataList: 'partial_list',
};

/** @returns undefined when nothing this server has is accepted */
export function acceptedForm(accept: string | undefined): Form | undefined {
  if (accept === undefined || accept === '*/*') return OBJECT;
  for (const range of mediaRanges(accept)) {
    const form = isJson(range) ? formOf(range) : undefined;
    if (form) return form;
  }
  return accept.trim() === '' ? OBJECT : undefined;
}

/** application/json or a wildcard of it. */
export function isJson({ type }: MediaRange): boolean {
  return type === 'application/json' || type === '*/*' || type === 'application/*';
}

function formOf({ parameters }: MediaRange): Form | undefined {
  const as = parameters.get('as');
  if (as === undefined) return OBJECT;
  const version = parameters.get('v');
  if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  const kind = Object.hasOwn(KINDS, as) ? KINDS[as] : undefined;
  return kind && { kind, version };
}

/** Most wanted first. */
export function mediaRanges(accept: string): MediaRange[] {
  const ranges = accept
    .split(',', MAX_RANGES)
    .map((text) => {
      const [type = '', ...pairs] = text.split(';').map((part) => part.trim());
      const parameters = new Map(
        pairs.map((pair) => {
          const equals = pair.indexOf('=');
          return equals < 0 ? [pair, ''] : [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
        }),
      );
      return { type: type.toLowerCase(), parameters, quality: qualityOf(parameters.get('q')) };
    })
    .filter(({ type, quality }) => type !== '' && quality > 0);
  return ranges.sort((a, b) => b.quality - a.quality);
}

function qualityOf(text: string | undefined): number {
  const quality = Number(text ?? 1);
  return quality >= 0 && quality <= 1 ? quality : 1;
}
