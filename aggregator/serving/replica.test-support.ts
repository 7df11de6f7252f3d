// Replicas of the aggregator as far as their certificate goes, on one fake API server and one clock that a test moves.
import { X509Certificate } from 'node:crypto';
import { createLogger } from '../../agent/runtime/logger.ts';
import { FakeApi } from './fake-api.test-support.ts';
import type { KeyPair } from './key-pair.ts';
import { createServingCertificate } from './serving-certificate.ts';
import type { ServingCertificate } from './serving-certificate.ts';

export const START_MS = Date.parse('2026-11-23T12:00:00Z');
export const DAY_MS = 24 * 3600 * 1000;
export const SECRET = '/api/v1/namespaces/headroom-system/secrets/headroom-serving-cert';
export const CONFIG_MAP = '/api/v1/namespaces/headroom-system/configmaps/headroom-ca';
export const V1 = '/apis/apiregistration.k8s.io/v1/apiservices/v1.metrics.k8s.io';
export const V1BETA1 = '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io';

export interface Replica {
  readonly certificate: ServingCertificate;
  /** Each pair it was told of. */
  readonly told: KeyPair[];
  readonly log: Record<string, unknown>[];
  /** Lets it look at the Secret once more. */
  round(): Promise<void>;
}

/** A time that all replicas and the API server share, until a test sets one apart. */
export class Time {
  bootMs = 0;
  get wallMs(): number {
    return START_MS + this.bootMs;
  }
}

const open: ServingCertificate[] = [];

export async function closeReplicas(): Promise<void> {
  await Promise.all(open.splice(0).map((each) => each.close()));
}

export async function startReplica(api: FakeApi, time: Time, wallAheadMs = 0): Promise<Replica> {
  const log: Record<string, unknown>[] = [];
  let wake: (() => void) | undefined;
  let asleep: (() => void) | undefined;
  const certificate = await createServingCertificate({
    certFile: undefined,
    keyFile: undefined,
    namespace: 'headroom-system',
    http: api,
    clock: { bootTimeMs: () => time.bootMs, wallTimeMs: () => time.wallMs + wallAheadMs },
    log: createLogger(
      'test',
      'info',
      {},
      { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) },
    ),
    random: () => 0.5,
    sleep: (ms, signal) => {
      time.bootMs += ms;
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        wake = resolve;
        asleep?.();
      });
    },
  });
  open.push(certificate);
  const told: KeyPair[] = [];
  certificate.onChange((pair) => told.push(pair));
  const round = async (): Promise<void> => {
    if (api.timeMs !== undefined) api.timeMs = time.wallMs;
    const done = new Promise<void>((resolve) => (asleep = resolve));
    wake?.();
    await done;
  };
  return { certificate, told, log, round };
}

/** As deploy/base and deploy/components/metrics-api leave it. */
export function freshCluster(): FakeApi {
  const api = new FakeApi();
  api.timeMs = START_MS;
  api.put(SECRET, {});
  api.put(CONFIG_MAP, {});
  for (const path of [V1, V1BETA1]) api.put(path, { spec: { service: OURS } });
  return api;
}

export const OURS = { name: 'headroom-metrics', namespace: 'headroom-system', port: 443 };

export function bundle(api: FakeApi): string {
  return api.objects.get(CONFIG_MAP)?.data?.['ca.crt'] ?? '';
}

export function caBundle(api: FakeApi, path: string): string {
  return Buffer.from((api.objects.get(path)?.spec?.['caBundle'] ?? '') as string, 'base64').toString();
}

export function secretEntry(api: FakeApi, entry: string): string {
  return Buffer.from(api.objects.get(SECRET)?.data?.[entry] ?? '', 'base64').toString();
}

export function certificatesIn(pem: string): number {
  return pem.match(/BEGIN CERTIFICATE/g)?.length ?? 0;
}

/** Like startReplica, but its waits end at once while it starts. */
export async function startReplicaAwake(api: FakeApi, time: Time): Promise<ServingCertificate> {
  let started = false;
  const certificate = await createServingCertificate({
    certFile: undefined,
    keyFile: undefined,
    namespace: 'headroom-system',
    http: api,
    clock: { bootTimeMs: () => time.bootMs, wallTimeMs: () => time.wallMs },
    log: createLogger('test', 'silent'),
    sleep: (ms, signal) => {
      time.bootMs += ms;
      if (!started) return Promise.resolve();
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
  }).finally(() => (started = true));
  open.push(certificate);
  return certificate;
}

export function signedBy(certificate: ServingCertificate, ca: string): boolean {
  return new X509Certificate(certificate.current().cert).verify(new X509Certificate(ca).publicKey);
}
