import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { AUTHORITY_LIFE_MS, AUTHORITY_RENEWAL_MS, OVERLAP_MS, SERVING_LIFE_MS, SERVING_RENEWAL_MS } from './renewal.ts';
import {
  CONFIG_MAP,
  DAY_MS,
  START_MS,
  Time,
  V1,
  bundle,
  caBundle,
  certificatesIn,
  closeReplicas,
  freshCluster,
  signedBy,
  startReplica,
} from './replica.test-support.ts';

afterEach(closeReplicas);

describe('rotation', () => {
  it('renews the pair a month before its end, by the same CA', async () => {
    const api = freshCluster();
    const time = new Time();
    const { certificate, told, round } = await startReplica(api, time);
    const authority = bundle(api);
    time.bootMs = SERVING_LIFE_MS - SERVING_RENEWAL_MS - DAY_MS;
    await round();
    expect(told).toEqual([]);
    time.bootMs += DAY_MS;
    await round();
    expect(told).toEqual([certificate.current()]);
    expect(certificate.expiresAtMs()).toBeGreaterThan(time.wallMs + SERVING_LIFE_MS - DAY_MS);
    expect(bundle(api)).toBe(authority);
  });

  it('announces the next CA, lets it sign when everyone has read it, and trusts the old one until its end', async () => {
    const api = freshCluster();
    const time = new Time();
    const { certificate, round } = await startReplica(api, time);
    const old = bundle(api);
    time.bootMs = AUTHORITY_LIFE_MS - AUTHORITY_RENEWAL_MS + 1000;
    await round();
    expect(certificatesIn(bundle(api))).toBe(2);
    expect(bundle(api).startsWith(old)).toBe(true);
    expect(signedBy(certificate, old)).toBe(true);
    time.bootMs += OVERLAP_MS / 2;
    await round();
    expect(signedBy(certificate, old)).toBe(true);
    time.bootMs += OVERLAP_MS / 2;
    await round();
    expect(certificatesIn(bundle(api))).toBe(2);
    expect(bundle(api).endsWith(old)).toBe(true);
    expect(signedBy(certificate, old)).toBe(false);
    expect(signedBy(certificate, bundle(api))).toBe(true);
    time.bootMs = AUTHORITY_LIFE_MS + 1000;
    await round();
    expect(certificatesIn(bundle(api))).toBe(1);
    expect(bundle(api)).not.toBe(old);
    expect(caBundle(api, V1)).toBe(bundle(api));
  });

  it('does not let the next CA sign before its certificate is published', async () => {
    const api = freshCluster();
    const time = new Time();
    const { certificate, round } = await startReplica(api, time);
    const old = bundle(api);
    time.bootMs = AUTHORITY_LIFE_MS - AUTHORITY_RENEWAL_MS + 1000;
    api.refusals.set(`PATCH ${CONFIG_MAP}`, 403);
    await round();
    time.bootMs += 2 * OVERLAP_MS;
    await round();
    expect(signedBy(certificate, old)).toBe(true);
    api.refusals.clear();
    await round();
    await round();
    expect(signedBy(certificate, old)).toBe(false);
  });

  it('starts anew from a Secret whose CA has expired', async () => {
    const api = freshCluster();
    await startReplica(api, new Time());
    const old = bundle(api);
    const time = new Time();
    time.bootMs = AUTHORITY_LIFE_MS + DAY_MS;
    api.timeMs = time.wallMs;
    const { certificate } = await startReplica(api, time);
    expect(bundle(api)).not.toBe(old);
    expect(signedBy(certificate, bundle(api))).toBe(true);
    expect(certificate.expiresAtMs()).toBeGreaterThan(time.wallMs);
  });
});

describe('a wrong wall clock', () => {
  it.each([
    ['ten years ahead', 3650 * DAY_MS],
    ['ten years behind', -3650 * DAY_MS],
  ])('%s neither ends nor makes anything: the API server’s time counts', async (_, aheadMs) => {
    const api = freshCluster();
    const right = await startReplica(api, new Time());
    const { certificate, log, told, round } = await startReplica(api, new Time(), aheadMs);
    await round();
    expect(certificate.current()).toEqual(right.certificate.current());
    expect(told).toEqual([]);
    expect(log).toContainEqual(expect.objectContaining({ msg: 'wall clock differs from the api server' }));
  });

  it('at the first start makes certificates by the API server’s time', async () => {
    const api = freshCluster();
    const { certificate } = await startReplica(api, new Time(), 3650 * DAY_MS);
    expect(Math.abs(certificate.expiresAtMs() - START_MS - SERVING_LIFE_MS)).toBeLessThan(DAY_MS);
    expect(Date.parse(new X509Certificate(certificate.current().cert).validFrom)).toBeLessThan(START_MS - 29 * DAY_MS);
  });

  it('is used where the API server does not tell the time', async () => {
    const api = freshCluster();
    api.timeMs = undefined;
    const { certificate } = await startReplica(api, new Time());
    expect(Math.abs(certificate.expiresAtMs() - START_MS - SERVING_LIFE_MS)).toBeLessThan(DAY_MS);
  });
});
