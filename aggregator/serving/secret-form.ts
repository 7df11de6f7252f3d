// The material as data of a Secret (core/v1, base64): tls.crt, tls.key and ca.crt as in a kubernetes.io/tls Secret, the rest beside them.
import { X509Certificate } from 'node:crypto';
import { pairProblem } from './key-pair.ts';
import type { KeyPair } from './key-pair.ts';
import type { Material } from './material.ts';

export type SecretEntries = Readonly<Record<string, string>>;

/** What a Secret holds. Without `serving` its pair is missing or broken; without both there is nothing to go on with. */
export interface StoredMaterial extends Omit<Material, 'serving'> {
  readonly serving?: KeyPair;
}

export type SecretContent =
  | { readonly kind: 'empty' }
  /** `problem`: a part that could not be read and is left out. */
  | { readonly kind: 'material'; readonly material: StoredMaterial; readonly problem?: string }
  | { readonly kind: 'corrupt'; readonly problem: string };

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Entries to merge into a Secret's data: null removes one. */
export function secretData({ authority, next, retired, serving }: Material): Record<string, string | null> {
  return {
    'ca.crt': base64(authority.cert),
    'ca.key': base64(authority.key),
    'tls.crt': base64(serving.cert),
    'tls.key': base64(serving.key),
    'next-ca.crt': next ? base64(next.cert) : null,
    'next-ca.key': next ? base64(next.key) : null,
    'next-ca.since': next ? base64(new Date(next.sinceMs).toISOString()) : null,
    'retired-ca.crt': retired.length > 0 ? base64(retired.join('\n')) : null,
  };
}

export function readSecret(data: SecretEntries | undefined): SecretContent {
  const authority = readPair(data, 'ca');
  const serving = readPair(data, 'tls');
  if (authority.kind === 'absent' && serving.kind === 'absent') return { kind: 'empty' };
  if (authority.kind !== 'pair') return { kind: 'corrupt', problem: authority.problem };
  if (!isAuthority(authority.pair.cert)) return { kind: 'corrupt', problem: 'ca.crt is no CA certificate' };
  const next = readPair(data, 'next-ca');
  const sinceMs = Date.parse(text(data, 'next-ca.since'));
  const retired = text(data, 'retired-ca.crt').match(CERTIFICATE) ?? [];
  const problem =
    (serving.kind === 'pair' ? undefined : serving.problem) ??
    (next.kind === 'broken' ? next.problem : undefined) ??
    (next.kind === 'pair' && Number.isNaN(sinceMs) ? 'next-ca.since is no time' : undefined) ??
    (retired.every(isAuthority) ? undefined : 'retired-ca.crt holds something that is no CA certificate');
  const material = {
    authority: authority.pair,
    ...(serving.kind === 'pair' ? { serving: serving.pair } : {}),
    ...(next.kind === 'pair' && !Number.isNaN(sinceMs) ? { next: { ...next.pair, sinceMs } } : {}),
    retired: retired.filter(isAuthority),
  };
  return { kind: 'material', material, ...(problem === undefined ? {} : { problem }) };
}

type ReadPair =
  { readonly kind: 'pair'; readonly pair: KeyPair } | { readonly kind: 'absent' | 'broken'; readonly problem: string };

function readPair(data: SecretEntries | undefined, name: string): ReadPair {
  const pair = { cert: text(data, `${name}.crt`), key: text(data, `${name}.key`) };
  if (pair.cert === '' && pair.key === '')
    return { kind: 'absent', problem: `${name}.crt and ${name}.key are missing` };
  const problem = pairProblem(pair);
  return problem === undefined
    ? { kind: 'pair', pair }
    : { kind: 'broken', problem: `${name}.crt and ${name}.key: ${problem}` };
}

function isAuthority(pem: string): boolean {
  try {
    return new X509Certificate(pem).ca;
  } catch {
    return false;
  }
}

function text(data: SecretEntries | undefined, entry: string): string {
  const encoded = data !== undefined && Object.hasOwn(data, entry) ? data[entry] : undefined;
  return typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString('utf8') : '';
}

function base64(value: string): string {
  return Buffer.from(value).toString('base64');
}
