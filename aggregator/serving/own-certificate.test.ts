import { X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeApi } from './fake-api.test-support.ts';
import type { KeyPair } from './key-pair.ts';
import {
  CONFIG_MAP,
  OURS,
  SECRET,
  Time,
  V1,
  V1BETA1,
  bundle,
  caBundle,
  certificatesIn,
  closeReplicas,
  freshCluster,
  secretEntry,
  startReplica,
  startReplicaAwake,
} from './replica.test-support.ts';

const AGENTS_NAME = 'headroom-push.headroom-system.svc';

afterEach(closeReplicas);

/** A handshake as an agent does it, with the clock of this machine. @returns why it failed */
async function handshake(pair: KeyPair, ca: string, servername: string): Promise<string | undefined> {
  const server = createServer(pair, (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await new Promise((resolve) => {
      const { port } = server.address() as AddressInfo;
      const socket = connect({ port, host: '127.0.0.1', ca, servername }, () => {
        socket.destroy();
        resolve(undefined);
      });
      socket.on('error', (err) => resolve(err.message));
    });
  } finally {
    server.close();
  }
}

describe('the first start', () => {
  it('makes a CA and a pair that agents and kube-apiserver accept by their names, and no one else’s', async () => {
    const api = new FakeApi();
    api.timeMs = Date.now();
    api.put(SECRET, {});
    api.put(CONFIG_MAP, {});
    const time = { bootMs: 0, wallMs: Date.now() };
    const { certificate } = await startReplica(api, time);
    const pair = certificate.current();
    expect(await handshake(pair, bundle(api), AGENTS_NAME)).toBeUndefined();
    expect(await handshake(pair, bundle(api), 'headroom-metrics.headroom-system.svc')).toBeUndefined();
    expect(await handshake(pair, bundle(api), 'headroom-metrics.headroom-system.svc.cluster.local')).toBeUndefined();
    expect(await handshake(pair, bundle(api), 'headroom-metrics.other.svc')).toMatch(/altnames|Hostname/);
  });

  it('publishes the bundle to agents and to both registered versions of the API', async () => {
    const api = freshCluster();
    await startReplica(api, new Time());
    expect(certificatesIn(bundle(api))).toBe(1);
    expect(caBundle(api, V1)).toBe(bundle(api));
    expect(caBundle(api, V1BETA1)).toBe(bundle(api));
    expect(api.objects.get(V1)?.spec?.['service']).toEqual(OURS);
  });

  it('creates Secret and ConfigMap where they are missing and it may', async () => {
    const api = new FakeApi();
    const { certificate } = await startReplica(api, new Time());
    expect(secretEntry(api, 'tls.crt')).toBe(certificate.current().cert);
    expect(secretEntry(api, 'next-ca.crt')).toBe('');
    expect(certificatesIn(bundle(api))).toBe(1);
  });

  it('serves with what another replica wrote a moment earlier', async () => {
    const winner = freshCluster();
    await startReplica(winner, new Time());
    for (const shipped of [true, false]) {
      const api = freshCluster();
      if (!shipped) api.objects.delete(SECRET);
      api.beforeWrite = () => api.put(SECRET, { data: { ...winner.objects.get(SECRET)?.data } });
      const { certificate } = await startReplica(api, new Time());
      expect(certificate.current().cert).toBe(secretEntry(winner, 'tls.crt'));
      expect(secretEntry(api, 'ca.key')).toBe(secretEntry(winner, 'ca.key'));
    }
  });

  it('ends two replicas that start at one instant with one pair', async () => {
    const api = freshCluster();
    const replicas = await Promise.all([1, 2, 3].map(() => startReplica(api, new Time())));
    expect(new Set(replicas.map(({ certificate }) => certificate.current().cert)).size).toBe(1);
    expect(certificatesIn(bundle(api))).toBe(1);
    expect(api.seen.filter((call) => call === `PATCH ${SECRET}`).length).toBeGreaterThan(1);
  });

  it('finds the bundle published by a replica that was a moment earlier, and has nothing to complain of', async () => {
    const other = freshCluster();
    await startReplica(other, new Time());
    const publish = (path: string) => (api: FakeApi) => api.put(path, other.objects.get(path)!);
    for (const [path, missing] of [
      [CONFIG_MAP, true],
      [CONFIG_MAP, false],
      [V1, false],
    ] as const) {
      const api = freshCluster();
      api.put(SECRET, { data: { ...other.objects.get(SECRET)?.data } });
      for (const each of [V1, V1BETA1, CONFIG_MAP]) if (each !== path) publish(each)(api);
      if (missing) api.objects.delete(path);
      api.beforeWrite = () => publish(path)(api);
      const { log } = await startReplica(api, new Time());
      expect(log.filter(({ level }) => level !== 'info')).toEqual([]);
      expect(log.map(({ msg }) => msg)).not.toContain('ca bundle published');
      expect(bundle(api)).toBe(bundle(other));
      expect(caBundle(api, V1)).toBe(bundle(other));
    }
  });

  it('tries five times to publish a bundle that another takes away each time, says so once and goes on', async () => {
    const api = freshCluster();
    const steal = (): void => {
      api.put(CONFIG_MAP, { data: {} });
      api.beforeWrite = steal;
    };
    const { round, log } = await startReplica(api, new Time());
    steal();
    api.seen.length = 0;
    await round();
    expect(api.seen.filter((call) => call === `PATCH ${CONFIG_MAP}`)).toHaveLength(5);
    // The Secret too may be another by then.
    expect(api.seen.filter((call) => call === `GET ${SECRET}`)).toHaveLength(5);
    expect(log.filter(({ level }) => level === 'warn').map(({ reason }) => reason)).toEqual(['somebody else wrote it at the same time']); // prettier-ignore
    api.beforeWrite = undefined;
    await round();
    expect(certificatesIn(bundle(api))).toBe(1);
    expect(log.map(({ msg }) => msg)).toContain('serving certificate problem passed');
  });

  it('signs nothing when the Secret holds a good pair', async () => {
    const api = freshCluster();
    const first = await startReplica(api, new Time());
    const before = api.seen.length;
    const second = await startReplica(api, new Time());
    expect(second.certificate.current()).toEqual(first.certificate.current());
    expect(api.seen.slice(before).filter((call) => call.startsWith('P') && !call.endsWith('reviews'))).toEqual([]);
  });

  it('waits for an API server that is away, and gives up after a minute', async () => {
    const api = freshCluster();
    const time = new Time();
    let calls = 0;
    api.onCall = () => {
      if (calls++ < 4) throw new Error('connect ECONNREFUSED');
    };
    const log = startReplicaAwake(api, time);
    expect(certificatesIn((await log).current().cert)).toBe(1);
    api.onCall = () => {
      throw new Error('connect ECONNREFUSED');
    };
    await expect(startReplicaAwake(api, new Time())).rejects.toMatchObject({
      code: 'kube_status',
      message: 'no serving certificate: connect ECONNREFUSED',
    });
  });
});

describe('missing rights', () => {
  it.each([
    ['GET', SECRET, 'the right is missing to get Secret headroom-system/headroom-serving-cert'],
    ['PATCH', SECRET, 'the right is missing to patch Secret headroom-system/headroom-serving-cert'],
  ])('name what is missing: %s', async (method, path, message) => {
    const api = freshCluster();
    api.refusals.set(`${method} ${path}`, 403);
    await expect(startReplica(api, new Time())).rejects.toMatchObject({
      code: 'kube_status',
      message: expect.stringContaining(message) as string,
    });
  });

  it('to create the Secret point to the manifest that ships it', async () => {
    const api = new FakeApi();
    api.refusals.set('POST', 403);
    await expect(startReplica(api, new Time())).rejects.toThrow(/apply deploy\/base/);
  });

  it('to publish the bundle are said once and keep nothing from being served', async () => {
    const api = freshCluster();
    api.refusals.set(`PATCH ${V1}`, 403);
    const { certificate, log, round } = await startReplica(api, new Time());
    await round();
    await round();
    expect(certificatesIn(certificate.current().cert)).toBe(1);
    const said = log.filter(({ subject }) => subject === 'apiservice v1.metrics.k8s.io');
    expect(said).toHaveLength(1);
    expect(said[0]?.['reason']).toContain('the right is missing to patch apiservice v1.metrics.k8s.io');
    api.refusals.clear();
    await round();
    expect(caBundle(api, V1)).toBe(bundle(api));
    expect(log.map(({ msg }) => msg)).toContain('serving certificate problem passed');
  });
});

describe('an APIService', () => {
  it('of another server, or none, is left alone', async () => {
    const api = freshCluster();
    const theirs = { service: { name: 'metrics-server', namespace: 'kube-system' }, insecureSkipTLSVerify: true };
    api.put(V1BETA1, { spec: theirs });
    api.objects.delete(V1);
    const { log } = await startReplica(api, new Time());
    expect(api.objects.get(V1BETA1)?.spec).toEqual(theirs);
    expect(api.seen).not.toContain(`PATCH ${V1BETA1}`);
    expect(log.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  it('that is registered later gets the bundle, and what was left of another’s settings goes', async () => {
    const api = freshCluster();
    api.objects.delete(V1BETA1);
    const { round } = await startReplica(api, new Time());
    api.put(V1BETA1, { spec: { service: OURS, insecureSkipTLSVerify: true, caBundle: 'b2xk' } });
    await round();
    expect(caBundle(api, V1BETA1)).toBe(bundle(api));
    expect(api.objects.get(V1BETA1)?.spec?.['insecureSkipTLSVerify']).toBe(false);
  });

  it('that becomes another server’s between reading and writing is not written', async () => {
    const api = freshCluster();
    const { round } = await startReplica(api, new Time());
    const theirs = { service: { name: 'metrics-server', namespace: 'kube-system' } };
    api.put(V1, { spec: { service: OURS } });
    api.beforeWrite = () => api.put(V1, { spec: theirs });
    await round();
    expect(api.objects.get(V1)?.spec).toEqual(theirs);
  });
});

describe('a running replica', () => {
  it('follows what another one wrote and tells its servers once', async () => {
    const api = freshCluster();
    const other = freshCluster();
    const { certificate, told, round } = await startReplica(api, new Time());
    const theirs = await startReplica(other, new Time());
    api.put(SECRET, { data: { ...other.objects.get(SECRET)?.data } });
    await round();
    await round();
    expect(told).toEqual([theirs.certificate.current()]);
    expect(certificate.current()).toEqual(theirs.certificate.current());
    expect(bundle(api)).toBe(bundle(other));
  });

  it('mends a Secret that was emptied, deleted or broken from what it has', async () => {
    const api = freshCluster();
    const { told, round } = await startReplica(api, new Time());
    const kept = { ...api.objects.get(SECRET)?.data };
    api.put(SECRET, {});
    await round();
    expect(api.objects.get(SECRET)?.data).toEqual(kept);
    api.objects.delete(SECRET);
    await round();
    expect(api.objects.get(SECRET)?.data).toEqual(kept);
    api.put(SECRET, { data: { ...kept, 'ca.key': kept['tls.key'] ?? '' } });
    await round();
    expect(api.objects.get(SECRET)?.data).toEqual(kept);
    expect(told).toEqual([]);
  });

  it('keeps serving while the API server is away, and says so once', async () => {
    const api = freshCluster();
    const { certificate, log, round } = await startReplica(api, new Time());
    api.onCall = () => {
      throw new Error('connect ECONNREFUSED');
    };
    await round();
    await round();
    expect(certificatesIn(certificate.current().cert)).toBe(1);
    expect(log.filter(({ reason }) => reason === 'connect ECONNREFUSED')).toHaveLength(1);
  });

  it('tells the other servers when one does not take the pair', async () => {
    const api = freshCluster();
    const other = freshCluster();
    const { certificate, log, round } = await startReplica(api, new Time());
    await startReplica(other, new Time());
    certificate.onChange(() => {
      throw new Error('no');
    });
    let reached = false;
    certificate.onChange(() => (reached = true));
    api.put(SECRET, { data: { ...other.objects.get(SECRET)?.data } });
    await round();
    expect(reached).toBe(true);
    expect(log.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});

describe('a broken Secret at the start', () => {
  it('costs the pair alone when the CA in it is good', async () => {
    const api = freshCluster();
    const { certificate } = await startReplica(api, new Time());
    const authority = secretEntry(api, 'ca.crt');
    const before = certificate.current();
    api.put(SECRET, { data: { ...api.objects.get(SECRET)?.data, 'tls.crt': 'bm90IGEgY2VydGlmaWNhdGU=' } });
    const second = await startReplica(api, new Time());
    expect(secretEntry(api, 'ca.crt')).toBe(authority);
    expect(second.certificate.current().cert).not.toBe(before.cert);
    expect(second.log.map(({ reason }) => reason).join()).toContain('tls.crt and tls.key: not a PEM certificate');
  });

  it('is said and replaced when the CA in it is no CA', async () => {
    const api = freshCluster();
    api.put(SECRET, { data: { 'ca.crt': 'eA==', 'ca.key': 'eQ==', 'tls.crt': 'eA==', 'tls.key': 'eQ==' } });
    const { certificate, log } = await startReplica(api, new Time());
    expect(new X509Certificate(certificate.current().cert).verify(new X509Certificate(bundle(api)).publicKey)).toBe(
      true,
    );
    expect(log.map(({ reason }) => reason).join()).toContain('ca.crt and ca.key: not a PEM certificate');
  });
});
