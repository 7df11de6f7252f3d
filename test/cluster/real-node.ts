// A node: the machine with its kubelet, configured for one control plane. Contract: KubeletConfiguration v1beta1.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane, EarlyControlPlane } from '../e2e/control-plane/control-plane.ts';
import { clientPair, servingPair } from '../e2e/control-plane/pki.ts';
import { until } from '../e2e/until.ts';
import { emulator } from '../vm/emulator.ts';
import type { Collected } from './collect.ts';
import { CLUSTER_DOMAIN, NAME_SERVER } from './name-server.ts';
import { GATEWAY, NODE_ADDRESS, TAP } from './network.ts';
import type { Qemu } from './qemu.ts';
import { startQemu } from './qemu.ts';
import { makeRunImages } from './run-images.ts';
import { watchBoots } from './watchdog.ts';

export interface RealNode {
  readonly name: string;
  readonly qemu: Qemu;
}

export interface NodeOptions {
  readonly collected: Collected;
  readonly controlPlane: EarlyControlPlane;
  /** For what the run writes. */
  readonly folder: string;
  readonly say: (text: string) => void;
}

export const NODE_NAME = 'node-1';
const MEMORY_MIB = 2048;
const READY_MS = 120_000;

/** Boots it; its kubelet waits for its API server. */
export async function startNode({ collected, controlPlane, folder, say }: NodeOptions): Promise<RealNode> {
  mkdirSync(folder, { recursive: true });
  const secondDisk = await makeConfigDisk(folder, collected, controlPlane);
  const consoleFile = join(folder, 'console.log');
  const qemu = startQemu({
    qemu: emulator(process.env, say),
    kernel: collected.kernel.path,
    disk: collected.disk.path,
    secondDisk,
    tap: TAP,
    memoryMiB: MEMORY_MIB,
    parameters: [`headroom.node=${NODE_NAME}`, `headroom.address=${NODE_ADDRESS}`, `headroom.gateway=${GATEWAY}`],
    consoleFile,
  });
  const watchdog = watchBoots({ consoleFile, reset: qemu.reset, say });
  void qemu.ended.then(() => watchdog.close());
  return { name: NODE_NAME, qemu };
}

/** @throws Error with the console's last lines */
export async function untilReady({ qemu }: RealNode, controlPlane: Pick<ControlPlane, 'kube'>): Promise<void> {
  let gone = false;
  void qemu.ended.then(() => (gone = true));
  const isReady = async (): Promise<true | undefined> => {
    if (gone) throw new Error('the machine ended');
    return (await nodeReady(controlPlane)) || undefined;
  };
  try {
    await until('the node being Ready', isReady, READY_MS, 200);
  } catch (error) {
    qemu.kill();
    throw new Error(`${(error as Error).message}\n${qemu.lastWords()}`, { cause: error });
  }
}

export async function nodeReady({ kube }: Pick<ControlPlane, 'kube'>): Promise<boolean> {
  const { status, body } = await kube.call('GET', `/api/v1/nodes/${NODE_NAME}`);
  if (status !== 200) return false;
  const node = JSON.parse(body.toString()) as { status: { conditions?: readonly { type: string; status: string }[] } };
  return node.status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}

/** A tar archive as a raw disk: nothing has to be mounted on the way. */
async function makeConfigDisk(folder: string, { disk }: Collected, controlPlane: EarlyControlPlane): Promise<string> {
  const files = join(folder, 'node');
  mkdirSync(join(files, 'images'), { recursive: true });
  const { clusterCa } = controlPlane.pki;
  const client = await clientPair(clusterCa, `CN=system:node:${NODE_NAME},O=system:nodes`);
  const serving = await servingPair(
    clusterCa,
    `CN=system:node:${NODE_NAME},O=system:nodes`,
    [NODE_NAME],
    [NODE_ADDRESS],
  );
  writeFileSync(join(files, 'ca.crt'), clusterCa.cert);
  writeFileSync(join(files, 'kubelet.crt'), serving.cert);
  writeFileSync(join(files, 'kubelet.key'), serving.key);
  writeFileSync(join(files, 'kubelet.json'), JSON.stringify(kubeletConfiguration()));
  copyFileSync(controlPlane.kubeconfigOf('kubelet', client), join(files, 'kubelet.kubeconfig'));
  await makeRunImages(folder, join(files, 'images/headroom.tar'), disk.nodeBase);
  const target = join(folder, 'config.tar');
  execFileSync('tar', ['-C', files, '-cf', target, '.']);
  // qemu wants whole blocks of a disk; tar stops reading at the archive's end.
  execFileSync('truncate', ['-s', '%4096', target]);
  return target;
}

function kubeletConfiguration(): object {
  const at = (name: string): string => `/etc/node/${name}`;
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: at('ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: at('kubelet.crt'),
    tlsPrivateKeyFile: at('kubelet.key'),
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    cgroupDriver: 'cgroupfs',
    clusterDomain: CLUSTER_DOMAIN,
    clusterDNS: [NAME_SERVER],
    resolvConf: '/etc/resolv.conf',
    makeIPTablesUtilChains: false,
    failSwapOn: false,
    evictionHard: { 'memory.available': '60Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
  };
}
