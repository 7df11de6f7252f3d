// Certificates of one standalone run, made new at each start and never reused: a cluster CA, a front-proxy CA and what they sign.
// Contract: Kubernetes PKI best practices (which CA signs what); keys are ECDSA P-256.
// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 wants it loaded before itself
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
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
  /** PEM certificate. */
  readonly cert: string;
  /** PEM private key, PKCS #8. */
  readonly key: string;
}

export interface ClusterPki {
  readonly ca: string;
  readonly frontProxyCa: string;
  /** Both listeners on loopback: the API and the aggregator's. */
  readonly serving: KeyPair;
  readonly admin: KeyPair;
  readonly frontProxyClient: KeyPair;
}

export const FRONT_PROXY_NAME = 'front-proxy-client';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEAR_MS = 365 * 24 * 3600 * 1000;
/** Clocks of client and server are the same machine's; an hour covers one that is set back after the start. */
const BACKDATE_MS = 3600 * 1000;

interface Authority {
  readonly certificate: X509Certificate;
  readonly keys: CryptoKeyPair;
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;

export async function createClusterPki(wallTimeMs: number): Promise<ClusterPki> {
  const [cluster, frontProxy] = await Promise.all([
    createAuthority('CN=headroom-standalone-ca', wallTimeMs),
    createAuthority('CN=headroom-standalone-front-proxy-ca', wallTimeMs),
  ]);
  const [serving, admin, frontProxyClient] = await Promise.all([
    sign(cluster, 'CN=headroom-standalone', 'server', wallTimeMs),
    sign(cluster, 'CN=kubernetes-admin,O=system:masters', 'client', wallTimeMs),
    sign(frontProxy, `CN=${FRONT_PROXY_NAME}`, 'client', wallTimeMs),
  ]);
  return {
    ca: cluster.certificate.toString('pem'),
    frontProxyCa: frontProxy.certificate.toString('pem'),
    serving,
    admin,
    frontProxyClient,
  };
}

const SERVED_NAMES: JsonGeneralName[] = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
];

async function createAuthority(subject: string, wallTimeMs: number): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      ...validity(wallTimeMs),
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
  return { certificate, keys };
}

async function sign(
  authority: Authority,
  subject: string,
  usage: 'server' | 'client',
  wallTimeMs: number,
): Promise<KeyPair> {
  const keys = await newKeys();
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage[usage === 'server' ? 'serverAuth' : 'clientAuth']]),
  ];
  if (usage === 'server') extensions.push(new SubjectAlternativeNameExtension(SERVED_NAMES));
  const certificate = await X509CertificateGenerator.create(
    {
      ...validity(wallTimeMs),
      subject,
      issuer: authority.certificate.subject,
      publicKey: keys.publicKey,
      signingKey: authority.keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions,
    },
    webcrypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, '$&\n').trim()}\n-----END PRIVATE KEY-----\n`;
  return { cert: certificate.toString('pem'), key };
}

function newKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity(wallTimeMs: number): { serialNumber: string; notBefore: Date; notAfter: Date } {
  // The first bit stays clear: a serial number is positive and at most 20 octets.
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return {
    serialNumber: serial.toString('hex'),
    notBefore: new Date(wallTimeMs - BACKDATE_MS),
    notAfter: new Date(wallTimeMs + YEAR_MS),
  };
}
