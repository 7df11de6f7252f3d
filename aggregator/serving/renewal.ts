// When what is renewed. The pair: a month before its end, by the same CA. The CA: announced in the bundle months before its end,
// signing when everyone has read it, the old one trusted until it expires. So nothing that is trusted ever ends at once.
import { expiresAtMs, isServingFor } from './key-pair.ts';
import type { Material } from './material.ts';
import type { StoredMaterial } from './secret-form.ts';

/**
 * - `found`: everything new, because there is no CA or it has expired.
 * - `announce`: a next CA, trusted and not signing.
 * - `promote`: the next CA signs; the old one is trusted on.
 * - `sign`: a new serving pair.
 * - `forget`: CAs that have expired are not trusted any more.
 */
export type RenewalStep = 'found' | 'announce' | 'promote' | 'sign' | 'forget';

export interface RenewalState {
  /** DNS names that the pair has to be good for. */
  readonly names: readonly string[];
  /** Unix ms. */
  readonly nowMs: number;
  /** Whether the bundle is where clients read it: no promotion before that. */
  readonly published: boolean;
}

const DAY_MS = 24 * 3600 * 1000;
export const AUTHORITY_LIFE_MS = 730 * DAY_MS;
export const AUTHORITY_RENEWAL_MS = 180 * DAY_MS;
export const SERVING_LIFE_MS = 90 * DAY_MS;
export const SERVING_RENEWAL_MS = 30 * DAY_MS;
/** Kubelets bring a changed ConfigMap to agents within two minutes; a day covers what is out for the night. */
export const OVERLAP_MS = DAY_MS;
/** Clients whose clock is behind by less still find a new certificate valid. */
export const BACKDATE_MS = 30 * DAY_MS;

/** @returns the next thing to do, undefined when all is well */
export function dueStep(material: StoredMaterial | undefined, state: RenewalState): RenewalStep | undefined {
  if (material === undefined) return 'found';
  const { authority, next, retired, serving } = material;
  const { nowMs, names, published } = state;
  const authorityEndMs = expiresAtMs(authority.cert);
  if (nowMs >= authorityEndMs) return next && nowMs < expiresAtMs(next.cert) ? 'promote' : 'found';
  if (!next && nowMs >= authorityEndMs - AUTHORITY_RENEWAL_MS) return 'announce';
  if (next && published && nowMs - next.sinceMs >= OVERLAP_MS) return 'promote';
  if (
    !serving ||
    nowMs >= expiresAtMs(serving.cert) - SERVING_RENEWAL_MS ||
    !isServingFor(serving.cert, authority.cert, names)
  )
    return 'sign';
  return retired.some((cert) => nowMs >= expiresAtMs(cert)) ? 'forget' : undefined;
}

/** Does one step. */
export async function takeStep(
  step: RenewalStep,
  material: StoredMaterial | undefined,
  { names, nowMs }: Pick<RenewalState, 'names' | 'nowMs'>,
): Promise<StoredMaterial> {
  const { createAuthority, signServing } = await import('./authority.ts');
  const authorityLife = { fromMs: nowMs - BACKDATE_MS, untilMs: nowMs + AUTHORITY_LIFE_MS };
  const servingLife = { fromMs: nowMs - BACKDATE_MS, untilMs: nowMs + SERVING_LIFE_MS };
  if (step === 'found' || material === undefined) {
    const authority = await createAuthority(authorityLife);
    return { authority, retired: [], serving: await signServing(authority, names, servingLife) };
  }
  const { authority, next, ...kept } = material;
  const unexpired = kept.retired.filter((cert) => nowMs < expiresAtMs(cert));
  switch (step) {
    case 'announce':
      return { ...material, next: { ...(await createAuthority(authorityLife)), sinceMs: nowMs } };
    case 'promote': {
      if (!next) return material;
      const promoted = { cert: next.cert, key: next.key };
      const serving = await signServing(promoted, names, servingLife);
      return { authority: promoted, retired: [authority.cert, ...unexpired], serving };
    }
    case 'sign':
      return { ...material, serving: await signServing(authority, names, servingLife) };
    case 'forget':
      return { ...material, retired: unexpired };
  }
}

export function isWhole(material: StoredMaterial): material is Material {
  return material.serving !== undefined;
}
