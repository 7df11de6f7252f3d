// The control plane's certificates, made new for each run: cluster CA, front-proxy CA, what they sign, and the key pair of
// service account tokens. Contract: Kubernetes PKI best practices; keys are ECDSA P-256.
// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 wants it loaded before itself
import 'reflect-metadata';
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Extension, JsonGeneralName, X509Certificate } from '@peculiar/x509';

export interface KeyPair {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface Authority {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8: some tests sign with it what they should not have. */
  readonly key: string;
  readonly certificate: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface ControlPlanePki {
  readonly clusterCa: Authority;
  readonly frontProxyCa: Authority;
  readonly apiserver: KeyPair;
  readonly admin: KeyPair;
  readonly controllerManager: KeyPair;
  readonly scheduler: KeyPair;
  readonly frontProxyClient: KeyPair;
  readonly serviceAccounts: { readonly publicKey: string; readonly privateKey: string };
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3600 * 1000;
const BACKDATE_MS = 3600 * 1000;

/** @param addresses IP addresses of the API server, beside its usual names */
export async function createControlPlanePki(addresses: readonly string[]): Promise<ControlPlanePki> {
  const [clusterCa, frontProxyCa] = await Promise.all([
    createAuthority('CN=kubernetes-ca'),
    createAuthority('CN=front-proxy-ca'),
  ]);
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const [apiserver, admin, controllerManager, scheduler, frontProxyClient] = await Promise.all([
    servingPair(clusterCa, 'CN=kube-apiserver', names, addresses),
    clientPair(clusterCa, 'CN=kubernetes-admin,O=system:masters'),
    clientPair(clusterCa, 'CN=system:kube-controller-manager'),
    clientPair(clusterCa, 'CN=system:kube-scheduler'),
    clientPair(frontProxyCa, 'CN=front-proxy-client'),
  ]);
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  const serviceAccounts = { publicKey, privateKey };
  return { clusterCa, frontProxyCa, apiserver, admin, controllerManager, scheduler, frontProxyClient, serviceAccounts };
}

export async function createAuthority(subject: string): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      ...validity(),
      name: subject,
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
      ],
    },
    webcrypto,
  );
  return { cert: certificate.toString('pem'), key: await pemOf(keys.privateKey), certificate, keys };
}

/** @param subject such as CN=jane,O=developers */
export function clientPair(authority: Authority, subject: string): Promise<KeyPair> {
  return sign(authority, subject, [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])]);
}

export function servingPair(
  authority: Authority,
  subject: string,
  names: readonly string[],
  addresses: readonly string[],
): Promise<KeyPair> {
  const served: JsonGeneralName[] = [
    ...names.map((value) => ({ type: 'dns' as const, value })),
    ...addresses.map((value) => ({ type: 'ip' as const, value })),
  ];
  return sign(authority, subject, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(served),
  ]);
}

async function sign(authority: Authority, subject: string, extensions: readonly Extension[]): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create(
    {
      ...validity(),
      subject,
      issuer: authority.certificate.subject,
      publicKey: keys.publicKey,
      signingKey: authority.keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        ...extensions,
      ],
    },
    webcrypto,
  );
  return { cert: certificate.toString('pem'), key: await pemOf(keys.privateKey) };
}

async function pemOf(privateKey: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, '$&\n').trim()}\n-----END PRIVATE KEY-----\n`;
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity(): { serialNumber: string; notBefore: Date; notAfter: Date } {
  // The first bit stays clear: a serial number is positive.
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const now = Date.now();
  return {
    serialNumber: serial.toString('hex'),
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + 2 * DAY_MS),
  };
}
