import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { line, page, startFakeKube, watch } from '../../test/fixtures/kube/fake-kube.ts';
import type { FakeKube } from '../../test/fixtures/kube/fake-kube.ts';
import { createClusterPki } from '../standalone/pki.ts';
import type { ClusterPki } from '../standalone/pki.ts';
import { USUAL_HEADERS } from './client-trust.ts';
import type { TrustFiles, WatchedTrust } from './watch-trust.ts';
import { watchTrust } from './watch-trust.ts';

const CLOCK = { bootTimeMs: () => performance.now(), wallTimeMs: () => 0 };
const NO_FILES: TrustFiles = { clientCaFile: undefined, frontProxy: undefined };

let old: ClusterPki;
let rotated: ClusterPki;
let folder: string;
let kube: FakeKube;
let errors = 0;
const open: WatchedTrust[] = [];

beforeAll(async () => {
  [old, rotated] = await Promise.all([createClusterPki(Date.now()), createClusterPki(Date.now())]);
  folder = mkdtempSync(join(tmpdir(), 'headroom-trust-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  for (const trust of open.splice(0)) await trust.close();
  await kube.close();
});

function object(version: string, clientCa: string): object {
  const metadata = {
    name: 'extension-apiserver-authentication',
    namespace: 'kube-system',
    uid: 'u',
    resourceVersion: version,
  };
  return { metadata, data: { 'client-ca-file': clientCa } };
}

async function start(files: TrustFiles, script: (kube: FakeKube) => void): Promise<WatchedTrust> {
  kube = await startFakeKube();
  script(kube);
  const log = {
    ...silentLogger,
    info: () => undefined,
    warn: () => undefined,
    error: () => errors++,
  } as typeof silentLogger;
  const trust = watchTrust({ files, http: kube.http, clock: CLOCK, log, rereadMs: 10 });
  open.push(trust);
  return trust;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('watchTrust', () => {
  it('follows the ConfigMap, one object by its name, and tells of each change', async () => {
    let changes = 0;
    const trust = await start(NO_FILES, ({ lists, watches }) => {
      lists.push(page('5', [object('5', old.ca)]));
      watches.push(watch(line('MODIFIED', object('6', rotated.ca)), 'stay'));
    });
    expect(trust.problem()).toBe('ConfigMap kube-system/extension-apiserver-authentication is not read yet');
    trust.onChange(() => changes++);
    await until(() => trust.current().clientCa === rotated.ca);
    expect([changes, trust.problem()]).toEqual([2, undefined]);
    for (const { url } of kube.seen) {
      expect(url.pathname).toBe('/api/v1/namespaces/kube-system/configmaps');
      expect(url.searchParams.get('fieldSelector')).toBe('metadata.name=extension-apiserver-authentication');
    }
  });

  it('keeps what it trusts when the object becomes unusable or is deleted', async () => {
    const after = line('MODIFIED', object('6', 'nonsense')) + line('DELETED', object('7', old.ca));
    const trust = await start(NO_FILES, ({ lists, watches }) => {
      lists.push(page('5', [object('5', old.ca)]));
      watches.push(watch(after, 'end'));
    });
    await until(() => kube.seen.length >= 3);
    expect(trust.current().clientCa).toBe(old.ca);
  });

  it('puts files before the ConfigMap, reads them again, and asks for nothing where files say it all', async () => {
    const clientCaFile = join(folder, 'ca.pem');
    const caFile = join(folder, 'front-proxy-ca.pem');
    writeFileSync(clientCaFile, old.ca);
    writeFileSync(caFile, old.frontProxyCa);
    const frontProxy = { caFile, allowedNames: ['front-proxy-client'], ...USUAL_HEADERS };
    const trust = await start({ clientCaFile, frontProxy }, () => undefined);
    expect(trust.current()).toMatchObject({ clientCa: old.ca, frontProxy: { ca: old.frontProxyCa } });
    expect(trust.problem()).toBeUndefined();
    writeFileSync(clientCaFile, 'half of a certif');
    writeFileSync(caFile, rotated.frontProxyCa);
    errors = 0;
    await until(() => errors >= 2); // read twice, and found unusable
    expect(trust.current()).toMatchObject({ clientCa: old.ca, frontProxy: { ca: old.frontProxyCa } });
    writeFileSync(clientCaFile, rotated.ca);
    await until(() => trust.current().clientCa === rotated.ca);
    expect(trust.current().frontProxy?.ca).toBe(rotated.frontProxyCa);
    expect(kube.seen).toEqual([]);
  });

  it('does not start with a file that is no certificate', async () => {
    kube = await startFakeKube();
    const clientCaFile = join(folder, 'empty.pem');
    writeFileSync(clientCaFile, '');
    const files = { ...NO_FILES, clientCaFile };
    expect(() => watchTrust({ files, http: kube.http, clock: CLOCK, log: silentLogger })).toThrow(
      'no certificate in it',
    );
  });
});
