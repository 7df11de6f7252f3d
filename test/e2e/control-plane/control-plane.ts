// etcd, kube-apiserver and kube-controller-manager as real processes with a PKI of their own, in the network namespace of the
// tier (all addresses there are local) or on loopback. Figures: facts of kube-apiserver 1.37; 5 s from nothing to ready.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { until } from '../until.ts';
import { kubeconfigText } from '../../../aggregator/standalone/kubeconfig.ts';
import type { Kube } from '../kube.ts';
import { openKube } from '../kube.ts';
import type { BinaryPaths } from './binaries.ts';
import type { Daemon } from './daemon.ts';
import { startDaemon } from './daemon.ts';
import type { ControlPlanePki, KeyPair } from './pki.ts';
import { createControlPlanePki } from './pki.ts';

export interface ControlPlaneOptions {
  /** Certificates, data and logs go there. */
  readonly folder: string;
  readonly binaries: BinaryPaths;
  /** In a namespace of its own the API server is reached at the Service address that pods are told. */
  readonly network: 'own' | 'loopback';
  /** Also runs kube-scheduler, where nobody plays it. */
  readonly scheduler?: boolean;
  readonly apiserverFlags?: readonly string[];
  readonly controllerManagerFlags?: readonly string[];
  /** Whose requests are written to `auditFile`: user names. */
  readonly auditUsers?: readonly string[];
  /** Called before anything answers, for what can start meanwhile. */
  readonly onCertificates?: (early: EarlyControlPlane) => void;
}

export interface ControlPlane {
  readonly url: string;
  readonly pki: ControlPlanePki;
  /** Of the administrator (system:masters). */
  readonly kubeconfig: string;
  readonly kube: Kube;
  /** JSON lines of audit.k8s.io/v1 Events. */
  readonly auditFile: string;
  /** Of someone else. @returns the file's path */
  kubeconfigOf(name: string, credential: KeyPair | { readonly token: string }): string;
  stop(): Promise<void>;
}

/** What is there from the start on. */
export type EarlyControlPlane = Pick<ControlPlane, 'pki' | 'kubeconfigOf'>;

/** Service addresses; the first is the API server's own Service. */
export const SERVICE_RANGE = '10.96.0.0/16';
export const API_SERVICE_ADDRESS = '10.96.0.1';
/** An address of the API server that is none of a Service or pod. */
const API_ADDRESS = '10.129.0.1';
const READY_MS = 90_000;
/** There is one of it, and nobody asks for its metrics. */
const ALONE = ['--leader-elect=false', '--secure-port=0'];

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { folder, binaries, network } = options;
  mkdirSync(folder, { recursive: true });
  const pki = await createControlPlanePki(['127.0.0.1', API_SERVICE_ADDRESS, API_ADDRESS]);
  const files = writePki(folder, pki);
  const daemons: Daemon[] = [];
  const stop = async (): Promise<void> => {
    kube?.close();
    for (const daemon of daemons.toReversed()) await daemon.stop();
  };
  let kube: Kube | undefined;
  try {
    const ports = network === 'own' ? { api: 443, etcd: 2379, peer: 2380, manager: 10_257 } : await freePorts();
    const url = network === 'own' ? `https://${API_SERVICE_ADDRESS}` : `https://127.0.0.1:${ports.api}`;
    const run = (name: keyof BinaryPaths, args: readonly string[]): void =>
      void daemons.push(startDaemon(name, binaries[name], args, join(folder, `${name}.log`)));
    const kubeconfigOf = (name: string, credential: KeyPair | { readonly token: string }): string => {
      const kind =
        'token' in credential
          ? { kind: 'token' as const, token: credential.token }
          : { kind: 'certificate' as const, pair: credential };
      return write(folder, `${name}.kubeconfig`, kubeconfigText(url, pki.clusterCa.cert, name, kind));
    };
    run('etcd', etcdFlags(folder, ports));
    options.onCertificates?.({ pki, kubeconfigOf });
    run('kube-apiserver', apiserverFlags(options, files, ports));
    kube = openKube(url, { ca: pki.clusterCa.cert, ...pki.admin });
    await ready(kube, daemons);
    run('kube-controller-manager', [
      `--kubeconfig=${kubeconfigOf('controller-manager', pki.controllerManager)}`,
      `--service-account-private-key-file=${files.serviceAccountKey}`,
      `--root-ca-file=${files.clusterCa}`,
      '--use-service-account-credentials=true',
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      `--secure-port=${ports.manager}`,
      '--horizontal-pod-autoscaler-sync-period=1s',
      '--horizontal-pod-autoscaler-initial-readiness-delay=1s',
      '--horizontal-pod-autoscaler-downscale-stabilization=5s',
      ...(options.controllerManagerFlags ?? []),
    ]);
    if (options.scheduler) {
      run('kube-scheduler', [`--kubeconfig=${kubeconfigOf('scheduler', pki.scheduler)}`, ...ALONE]);
    }
    await until('the default service account', async () => {
      failIfEnded(daemons);
      const { status } = await kube!.call('GET', '/api/v1/namespaces/default/serviceaccounts/default');
      return status === 200 || undefined;
    });
    const kubeconfig = kubeconfigOf('admin', pki.admin);
    return { url, pki, kubeconfig, kube, auditFile: join(folder, 'audit.log'), kubeconfigOf, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Ports {
  readonly api: number;
  readonly etcd: number;
  readonly peer: number;
  readonly manager: number;
}

async function freePorts(): Promise<Ports> {
  const servers = Array.from({ length: 4 }, () => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))),
  );
  const [api, etcd, peer, manager] = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return { api: api!, etcd: etcd!, peer: peer!, manager: manager! };
}

async function ready(kube: Kube, daemons: readonly Daemon[]): Promise<void> {
  const probe = async (): Promise<true | undefined> => {
    failIfEnded(daemons);
    const answer = await kube.call('GET', '/readyz').catch(() => undefined);
    return answer?.status === 200 || undefined;
  };
  await until('the API server being ready', probe, READY_MS);
}

function failIfEnded(daemons: readonly Daemon[]): void {
  const ended = daemons.map((daemon) => daemon.ended()).find((reason) => reason !== undefined);
  if (ended !== undefined) throw new Error(ended);
}

function etcdFlags(folder: string, { etcd, peer }: Ports): readonly string[] {
  const client = `http://127.0.0.1:${etcd}`;
  return [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=http://127.0.0.1:${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

function apiserverFlags(options: ControlPlaneOptions, files: PkiFiles, { api, etcd }: Ports): readonly string[] {
  const { folder, network, auditUsers = [], apiserverFlags: extra = [] } = options;
  const addresses =
    network === 'own'
      ? ['--bind-address=0.0.0.0', `--advertise-address=${API_ADDRESS}`, '--enable-aggregator-routing=true']
      : ['--bind-address=127.0.0.1'];
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    ...addresses,
    `--secure-port=${api}`,
    `--tls-cert-file=${files.apiserver.cert}`,
    `--tls-private-key-file=${files.apiserver.key}`,
    `--client-ca-file=${files.clusterCa}`,
    `--kubelet-client-certificate=${files.admin.cert}`,
    `--kubelet-client-key=${files.admin.key}`,
    `--kubelet-certificate-authority=${files.clusterCa}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--service-account-key-file=${files.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--requestheader-client-ca-file=${files.frontProxyCa}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${files.frontProxyClient.cert}`,
    `--proxy-client-key-file=${files.frontProxyClient.key}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    '--allow-privileged=true',
    `--audit-policy-file=${write(folder, 'audit-policy.json', auditPolicy(auditUsers))}`,
    `--audit-log-path=${join(folder, 'audit.log')}`,
    '--v=1',
    ...extra,
  ];
}

function auditPolicy(users: readonly string[]): string {
  const rules = [...(users.length > 0 ? [{ level: 'Metadata', users }] : []), { level: 'None' }];
  return JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules });
}

type PkiFiles = ReturnType<typeof writePki>;

function writePki(folder: string, pki: ControlPlanePki) {
  const pair = (name: string, { cert, key }: KeyPair): KeyPair => ({
    cert: write(folder, `${name}.crt`, cert),
    key: write(folder, `${name}.key`, key),
  });
  return {
    clusterCa: write(folder, 'ca.crt', pki.clusterCa.cert),
    frontProxyCa: write(folder, 'front-proxy-ca.crt', pki.frontProxyCa.cert),
    apiserver: pair('apiserver', pki.apiserver),
    admin: pair('admin', pki.admin),
    frontProxyClient: pair('front-proxy-client', pki.frontProxyClient),
    serviceAccountKey: write(folder, 'service-account.key', pki.serviceAccounts.privateKey),
    serviceAccountPublicKey: write(folder, 'service-account.pub', pki.serviceAccounts.publicKey),
  };
}

/** @returns the file's path */
function write(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}
