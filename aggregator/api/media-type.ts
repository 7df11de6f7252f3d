// Content negotiation. Contract: k8s.io/apiserver endpoints/handlers/negotiation, which reads Accept by goautoneg: media ranges
// by quality, specific ones before wildcards; `as`, `g` and `v` ask for a transformed object, `pretty=1` for indented JSON.
// Before that go-restful refuses whom none of a route's media types suits; it knows no wildcard but */*.

export type Media = 'json' | 'yaml' | 'protobuf';

/** What a client asks an object to be turned into. */
export interface Conversion {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface Accepted {
  readonly media: Media;
  readonly pretty: boolean;
  /** Undefined: the object as it is. */
  readonly convert: Conversion | undefined;
}

/** What an endpoint can do. */
export interface Restrictions {
  readonly allows: (media: Media, convert: Conversion | undefined) => boolean;
  /** Versions of the meta group, for `sv`. */
  readonly serverVersion?: string;
}

export const MEDIA_TYPES: Readonly<Record<Media, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};
export const ALL_TYPES = Object.values(MEDIA_TYPES);
const MEDIA = Object.keys(MEDIA_TYPES) as Media[];

/** No transformation: most documents, and every refusal. */
export const PLAIN: Restrictions = { allows: (_media, convert) => convert === undefined };

const DEFAULT: Accepted = { media: 'json', pretty: false, convert: undefined };

/** @returns undefined when nothing that the endpoint can do is accepted */
export function negotiate(accept: string | undefined, restrictions: Restrictions): Accepted | undefined {
  if (accept === undefined || accept === '') return DEFAULT;
  for (const range of mediaRanges(accept)) {
    for (const media of MEDIA) {
      if (!suits(range, MEDIA_TYPES[media])) continue;
      const accepted = acceptedAs(media, range.parameters, restrictions);
      if (accepted) return accepted;
    }
  }
  return undefined;
}

/** go-restful's own test of a route, before the route is asked. */
export function isProduced(accept: string | undefined, types: readonly string[]): boolean {
  if (accept === undefined || accept === '') return true;
  return accept.split(',').some((range) => {
    const type = range.split(';', 1)[0]!.trim();
    return type === '*/*' || types.includes(type);
  });
}

/** For documents that negotiate in their own way. */
export function suits({ type, subtype }: MediaRange, mediaType: string): boolean {
  const [ownType, ownSubtype] = mediaType.split('/');
  if (type === '*') return subtype === '*';
  return type === ownType && (subtype === '*' || subtype === ownSubtype);
}

function acceptedAs(
  media: Media,
  parameters: ReadonlyMap<string, string>,
  { allows, serverVersion }: Restrictions,
): Accepted | undefined {
  const stream = parameters.get('stream') ?? '';
  if (stream !== '' && (media === 'yaml' || stream !== 'watch')) return undefined;
  const asked = parameters.get('sv') ?? '';
  if (asked !== '' && asked !== serverVersion) return undefined;
  const convert = conversionOf(parameters);
  return allows(media, convert) ? { media, pretty: parameters.get('pretty') === '1', convert } : undefined;
}

function conversionOf(parameters: ReadonlyMap<string, string>): Conversion | undefined {
  const [kind, group, version] = ['as', 'g', 'v'].map((name) => parameters.get(name));
  if (kind === undefined && group === undefined && version === undefined) return undefined;
  return { kind: kind ?? '', group: group ?? '', version: version ?? '' };
}

export interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Longer headers are read up to here: no client sends as many ranges. */
const MAX_RANGES = 32;

/** Most wanted first. */
export function mediaRanges(accept: string): readonly MediaRange[] {
  const sorted: MediaRange[] = [];
  for (const text of accept.split(',', MAX_RANGES)) {
    const range = rangeOf(text);
    if (!range) continue;
    // The order is no total one: what is inserted goes before each neighbour that it precedes, and no further.
    let at = sorted.length;
    while (at > 0 && precedes(range, sorted[at - 1]!)) at--;
    sorted.splice(at, 0, range);
  }
  return sorted;
}

function precedes(a: MediaRange, b: MediaRange): boolean {
  return a.quality > b.quality || (a.type !== '*' && b.type === '*') || (a.subtype !== '*' && b.subtype === '*');
}

/** Undefined for what is no media range. */
function rangeOf(text: string): MediaRange | undefined {
  const [name = '', ...pairs] = text.split(';').map((part) => part.trim());
  const [type = '', subtype = type === '*' ? '*' : '', ...more] = name.split('/').map((part) => part.trim());
  if (subtype === '' || more.length > 0) return undefined;
  const parameters = new Map<string, string>();
  for (const pair of pairs) {
    const [key = '', value = '', ...rest] = pair.split('=');
    if (value !== '' && rest.length === 0) parameters.set(key.trim(), value.trim());
  }
  const quality = Number(parameters.get('q') ?? 1);
  parameters.delete('q');
  return { type, subtype, quality: Number.isFinite(quality) ? quality : 0, parameters };
}
