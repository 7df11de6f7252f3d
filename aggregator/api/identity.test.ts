// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 wants it loaded before itself
import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  PemConverter,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Extension } from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { NOW, startMetricsApi, usualTrust, V1 } from '../../test/fakes/metrics-api.ts';
import type { MetricsApi } from '../../test/fakes/metrics-api.ts';
import { fixedTrust, USUAL_HEADERS } from '../kube/client-trust.ts';
import type { ClientTrust, TrustSource } from '../kube/client-trust.ts';
import type { TokenVerdict } from '../kube/token-review.ts';
import type { User } from '../kube/user.ts';
import { createClusterPki } from '../standalone/pki.ts';
import type { ClusterPki, KeyPair } from '../standalone/pki.ts';

const NODES = `${V1}/nodes`;
const YEAR_MS = 365 * 24 * 3600 * 1000;
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const TOKENS: Readonly<Record<string, TokenVerdict>> = {
  good: { kind: 'authenticated', user: { name: 'robot', uid: 'u', groups: ['bots'], extra: { scopes: ['a'] } } },
  away: { kind: 'unavailable', reason: 'no answer in time' },
};

let pki: ClusterPki;
let api: MetricsApi;
let seen: User[];
let reviewed: string[];
let nowMs = NOW;

const rights = {
  reviewToken: (token: string): Promise<TokenVerdict> => {
    reviewed.push(token);
    return Promise.resolve(TOKENS[token] ?? { kind: 'rejected', reason: 'nobody’s' });
  },
  reviewAccess: (user: User) => {
    seen.push(user);
    return Promise.resolve({ kind: 'denied', reason: '' } as const);
  },
  wallMs: () => nowMs,
};

beforeAll(async () => {
  pki = await createClusterPki(NOW);
  api = await startMetricsApi(rights, pki);
});
afterAll(() => api.close());

interface Shown {
  readonly who?: KeyPair;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/** The user that a request is taken for; a status where it is taken for nobody. Always asked anew. */
async function known(shown: Shown, at: MetricsApi = api, path = NODES): Promise<User | number> {
  seen = [];
  reviewed = [];
  nowMs += 20_000;
  const { code } = await at.ask(path, shown);
  return code === 403 ? seen[0]! : code;
}

describe('a client certificate', () => {
  it('of the client CA names its user and groups; with system:masters nobody is asked', async () => {
    expect(await known({ who: pki.admin })).toBe(200);
    expect(seen).toEqual([]);
  });

  it('of another CA with the same names is nobody, whatever its headers say', async () => {
    const other = await createClusterPki(NOW);
    expect(await known({ who: other.admin })).toBe(401);
    const headers = { 'x-remote-user': 'eve', 'x-remote-group': 'system:masters' };
    expect(await known({ who: other.frontProxyClient, headers })).toBe(401);
  });

  it('of a server is nobody as a client', async () => {
    expect(await known({ who: pki.serving })).toBe(401);
  });

  it('is nobody when its time is over, on a connection that is open too', async () => {
    const before = nowMs;
    nowMs = NOW + 2 * YEAR_MS;
    expect(await known({ who: pki.admin })).toBe(401);
    nowMs = before;
    expect(await known({ who: pki.admin })).toBe(200);
  });

  it('is worth no more than a token that comes with it where it is nobody’s', async () => {
    const other = await createClusterPki(NOW);
    expect(await known({ who: other.admin, headers: { authorization: 'Bearer good' } })).toMatchObject({
      name: 'robot',
    });
  });

  it('is checked once for all its connections, beside others, until the trust changes', async () => {
    const frontProxy = { ca: pki.frontProxyCa, allowedNames: [], ...USUAL_HEADERS };
    let current: ClientTrust = { clientCa: pki.ca, frontProxy };
    const listeners: (() => void)[] = [];
    const source: TrustSource = { current: () => current, onChange: (one) => (listeners.push(one), () => undefined) };
    const made = await startMetricsApi({ ...rights, trust: source }, pki);
    open.push(made);
    const verify = vi.spyOn(X509Certificate.prototype, 'verify');
    expect(await known({ who: pki.frontProxyClient, headers: { 'x-remote-user': 'alice' } }, made)).toMatchObject({ name: 'alice' }); // prettier-ignore
    expect(await known({ who: pki.admin }, made)).toBe(200);
    verify.mockClear();
    expect(await known({ who: pki.frontProxyClient, headers: { 'x-remote-user': 'bob' } }, made)).toMatchObject({ name: 'bob' }); // prettier-ignore
    expect(await known({ who: pki.admin }, made)).toBe(200);
    expect(verify).not.toHaveBeenCalled();
    // The same client CA; another one beside it.
    current = { clientCa: pki.ca, frontProxy: { ...frontProxy, allowedNames: ['another-name'] } };
    for (const tell of listeners) tell();
    expect(await known({ who: pki.frontProxyClient, headers: { 'x-remote-user': 'eve' } }, made)).toBe(401);
    expect(verify).not.toHaveBeenCalled();
    expect(await known({ who: pki.admin }, made)).toBe(200);
    expect(verify).toHaveBeenCalledTimes(1);
    verify.mockRestore();
  });

  it('that came through an intermediate is checked on each connection', async () => {
    const made = await trusting(pki);
    const carol = await clientNamed('carol');
    const verify = vi.spyOn(X509Certificate.prototype, 'verify');
    await known({ who: carol }, made);
    verify.mockClear();
    await known({ who: carol }, made);
    expect(verify.mock.calls.length > 0).toBe(TELLS_INTERMEDIATES);
    verify.mockRestore();
  });

  it('tells the certificate as the credential', async () => {
    const user = await known({ who: await clientNamed('carol') }, await trusting(pki));
    const told = {
      name: 'carol',
      uid: '',
      groups: ['dev', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/)] },
    };
    expect(user).toEqual(TELLS_INTERMEDIATES ? told : 401);
  });
});

/** client-certificate.ts: what Node 24 does not tell. */
const TELLS_INTERMEDIATES = Number.parseInt(process.versions.node, 10) < 24;

describe('the front proxy', () => {
  it('speaks for the user of its headers', async () => {
    const headers = {
      'X-Remote-User': 'alice',
      'X-Remote-Group': ['dev', 'ops'],
      'X-Remote-Uid': '7',
      'X-Remote-Extra-example.com%2fteam': 'x',
    };
    expect(await known({ who: pki.frontProxyClient, headers })).toEqual({
      name: 'alice',
      uid: '7',
      groups: ['dev', 'ops', 'system:authenticated'],
      extra: { 'example.com/team': ['x'] },
    });
  });

  it('is nobody itself', async () => {
    expect(await known({ who: pki.frontProxyClient })).toBe(401);
    expect(await known({ who: pki.frontProxyClient, headers: { 'x-remote-user': '' } })).toBe(401);
  });

  it('may name who is not authenticated', async () => {
    const headers = { 'x-remote-user': 'system:anonymous', 'x-remote-group': 'system:unauthenticated' };
    const anonymous = { name: 'system:anonymous', uid: '', groups: ['system:unauthenticated'], extra: {} };
    expect(await known({ who: pki.frontProxyClient, headers })).toEqual(anonymous);
  });

  it('may be in so many groups that the headers are long, and none is lost', async () => {
    const groups = Array.from({ length: 3000 }, (_, at) => `department-${at}`);
    const headers = { 'x-remote-user': 'alice', 'x-remote-group': groups };
    const user = (await known({ who: pki.frontProxyClient, headers })) as User;
    expect(user.groups).toEqual([...groups, 'system:authenticated']);
  });

  it('has one of the names that are allowed', async () => {
    const frontProxy = { ca: pki.frontProxyCa, allowedNames: ['another-name'], ...USUAL_HEADERS };
    const strict = await startMetricsApi({ ...rights, trust: fixedTrust({ clientCa: pki.ca, frontProxy }) }, pki);
    const headers = { 'x-remote-user': 'alice' };
    expect(await known({ who: pki.frontProxyClient, headers }, strict)).toBe(401);
    await strict.close();
  });

  it('is believed on no other certificate, and on none', async () => {
    const headers = { 'x-remote-user': 'root', 'x-remote-group': 'system:masters', 'x-remote-extra-a': 'b' };
    expect(await known({ headers })).toMatchObject({ name: 'system:anonymous', groups: ['system:unauthenticated'] });
    const trust = await trusting(pki);
    const carol = await known({ who: await clientNamed('carol'), headers }, trust);
    if (TELLS_INTERMEDIATES) expect(carol).toMatchObject({ name: 'carol' });
    else expect(carol).toBe(401);
    const robot = { ...headers, authorization: 'Bearer good' };
    expect(await known({ headers: robot })).toMatchObject({ name: 'robot', groups: ['bots', 'system:authenticated'] });
  });
});

describe('a bearer token', () => {
  it('is reviewed once in its time, whoever brings it', async () => {
    expect(await known({ headers: { authorization: 'Bearer good' } })).toMatchObject({
      uid: 'u',
      extra: { scopes: ['a'] },
    });
    for (const scheme of ['bearer', 'BEARER']) await api.ask(NODES, { headers: { authorization: `${scheme} good` } });
    expect(reviewed).toEqual(['good']);
  });

  it('that is nobody’s is refused, not taken for anonymous, and remembered as such', async () => {
    expect(await known({ headers: { authorization: 'Bearer bad' } })).toBe(401);
    await api.ask(NODES, { headers: { authorization: 'Bearer bad' } });
    expect(reviewed).toEqual(['bad']);
  });

  it('that can’t be reviewed is refused and not remembered', async () => {
    expect(await known({ headers: { authorization: 'Bearer away' } })).toBe(401);
    await api.ask(NODES, { headers: { authorization: 'Bearer away' } });
    expect(reviewed).toEqual(['away', 'away']);
  });

  it.each(['', 'good', 'Basic good', 'Bearer', 'Bearer '])('is none in %j', async (authorization) => {
    expect(await known({ headers: { authorization } })).toMatchObject({ name: 'system:anonymous' });
    expect(reviewed).toEqual([]);
  });

  it('is asked for at no open path', async () => {
    expect((await api.ask('/livez', { headers: { authorization: 'Bearer bad' } })).code).toBe(200);
  });
});

describe('trust that changes', () => {
  it('is followed by the handshake and by connections that are open', async () => {
    const next = await createClusterPki(NOW);
    let trust = usualTrust(pki).current();
    const listeners: (() => void)[] = [];
    const source: TrustSource = { current: () => trust, onChange: (one) => (listeners.push(one), () => undefined) };
    const rotating = await startMetricsApi({ ...rights, trust: source }, pki);
    expect(await known({ who: next.admin }, rotating)).toBe(401);
    expect(await known({ who: pki.admin }, rotating)).toBe(200);
    trust = usualTrust(next).current();
    for (const tell of listeners) tell();
    expect(await known({ who: next.admin }, rotating)).toBe(200);
    expect(await known({ who: pki.admin }, rotating)).toBe(401);
    await rotating.close();
  });

  it('is none where no CA is known: a certificate is then like no certificate', async () => {
    const trust = fixedTrust({ clientCa: undefined, frontProxy: undefined });
    const nobody = await startMetricsApi({ ...rights, trust }, pki);
    expect(await known({ who: pki.admin }, nobody)).toMatchObject({ name: 'system:anonymous' });
    await nobody.close();
  });
});

const open: MetricsApi[] = [];
afterAll(async () => void (await Promise.all(open.map((each) => each.close()))));

let root: Authority | undefined;

interface Authority {
  readonly name: string;
  readonly cert: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

/** A server that takes certificates of `root` too. */
async function trusting({ ca, frontProxyCa }: ClusterPki): Promise<MetricsApi> {
  root ??= await authority('CN=test-root');
  const frontProxy = { ca: frontProxyCa, allowedNames: [], ...USUAL_HEADERS };
  const made = await startMetricsApi(
    { ...rights, trust: fixedTrust({ clientCa: `${ca}\n${root.cert}`, frontProxy }) },
    pki,
  );
  open.push(made);
  return made;
}

/** Signed by an intermediate CA, which the client sends along. */
async function clientNamed(name: string): Promise<KeyPair> {
  root ??= await authority('CN=test-root');
  const intermediate = await authority('CN=test-intermediate', root);
  const leaf = await certificate(`CN=${name},O=dev`, intermediate, [new ExtendedKeyUsageExtension([CLIENT_AUTH])]);
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', leaf.keys.privateKey);
  return { cert: leaf.cert + intermediate.cert, key: PemConverter.encode(pkcs8, 'PRIVATE KEY') };
}

function authority(name: string, issuer?: Authority): Promise<Authority> {
  return certificate(name, issuer, [new BasicConstraintsExtension(true, undefined, true)]);
}

async function certificate(name: string, issuer: Authority | undefined, extensions: Extension[]): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.create(
    {
      notBefore: new Date(NOW - 3600_000),
      notAfter: new Date(NOW + YEAR_MS),
      subject: name,
      issuer: issuer?.name ?? name,
      publicKey: keys.publicKey,
      signingKey: (issuer?.keys ?? keys).privateKey,
      signingAlgorithm: ECDSA,
      extensions,
    },
    webcrypto,
  );
  return { cert: `${made.toString('pem')}\n`, keys, name };
}
