// The whole of it: control plane with a real scheduler, name server, one real node. `close` ends everything that was started.
import { join } from 'node:path';
import type { ControlPlane, EarlyControlPlane } from '../e2e/control-plane/control-plane.ts';
import { startControlPlane } from '../e2e/control-plane/control-plane.ts';
import { SYSTEM } from '../e2e/install.ts';
import type { Collected } from './collect.ts';
import { startNameServer } from './name-server.ts';
import { makeTap } from './network.ts';
import type { RealNode } from './real-node.ts';
import { startNode, untilReady } from './real-node.ts';

export interface RealCluster {
  readonly controlPlane: ControlPlane;
  readonly node: RealNode;
  close(): Promise<void>;
}

const AGGREGATOR = `system:serviceaccount:${SYSTEM}:headroom-aggregator`;

export async function startRealCluster(
  collected: Collected,
  folder: string,
  say: (text: string) => void,
): Promise<RealCluster> {
  const startMs = performance.now();
  makeTap();
  const since = (): string => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
  const closes: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closes.splice(0).toReversed()) await each();
  };
  // The machine boots while the control plane starts.
  let booting: Promise<RealNode> | undefined;
  const boot = (early: EarlyControlPlane): void => {
    booting = startNode({ collected, controlPlane: early, folder: join(folder, 'node'), say });
    booting.catch(() => undefined);
    closes.push(() => booting?.then(({ qemu }) => qemu.kill(), () => undefined)); // prettier-ignore
  };
  try {
    const controlPlane = await startControlPlane({
      folder: join(folder, 'control-plane'),
      binaries: collected.binaries,
      network: 'own',
      scheduler: true,
      // Whose patches of pods/resize are timed.
      auditUsers: [AGGREGATOR],
      onCertificates: boot,
    });
    closes.unshift(() => controlPlane.stop());
    say(`the control plane is ready after ${since()}`);
    const names = await startNameServer(controlPlane.kube);
    closes.push(() => names.close());
    const node = await booting!;
    await untilReady(node, controlPlane);
    say(`${node.name} is Ready after ${since()}`);
    return { controlPlane, node, close };
  } catch (error) {
    await close();
    throw error;
  }
}
