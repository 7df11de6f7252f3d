// What there is to see: Headroom with the resize component, a leak that asks to be resized, the same leak that does not, a steady
// process, and a kubeconfig that works from outside.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubeconfigText } from '../../aggregator/standalone/kubeconfig.ts';
import { commands } from '../e2e/cluster.ts';
import { install, SYSTEM } from '../e2e/install.ts';
import { pod } from '../e2e/workloads.ts';
import type { Collected } from './collect.ts';
import { INSTALL_MS } from './installed.ts';
import { ASKS, leakPod } from './leak-run.ts';
import { WORKLOAD } from './node-disk.ts';
import { startRealCluster } from './real-cluster.ts';

const LEAK = { startMib: 24, mibPerSecond: 4, mostMib: 200, limit: '96Mi', afterS: 10 };

/** @param port where the API server is reached from outside @returns what to do now */
export async function startDemo(
  collected: Collected,
  folder: string,
  port: number,
  say: (text: string) => void,
): Promise<string> {
  const { controlPlane } = await startRealCluster(collected, join(folder, 'real'), say);
  const run = await commands(controlPlane, folder);
  say('installing Headroom: kubectl apply -k');
  await install({ controlPlane, kube: controlPlane.kube, ...run, logsOf: () => '' }, 'release', ['resize'], INSTALL_MS);
  await run.apply(
    leakPod({ ...LEAK, name: 'leak-that-asks', annotations: ASKS }),
    leakPod({ ...LEAK, name: 'leak-that-does-not' }),
    pod({ name: 'steady', containers: [{ name: 'main', image: WORKLOAD, args: ['burn', '200'], requests: { cpu: '50m', memory: '16Mi' } }] }), // prettier-ignore
  );
  const { clusterCa, admin } = controlPlane.pki;
  const kubeconfig = join(folder, 'kubeconfig');
  const text = kubeconfigText(`https://127.0.0.1:${port}`, clusterCa.cert, 'admin', {
    kind: 'certificate',
    pair: admin,
  });
  writeFileSync(kubeconfig, text, { mode: 0o600 });
  return [
    'In another shell (without a kubectl of your own: `npm run --silent kubectl -- top node`):',
    '',
    `  export KUBECONFIG=${kubeconfig}`,
    '  kubectl top node; kubectl top pod -A --containers',
    '  kubectl get pods -w                        # leak-that-asks goes on, the other one is killed again and again (OOMKilled)',
    '  kubectl describe pod leak-that-asks        # its Events tell how it was resized, and why',
    `  kubectl port-forward -n ${SYSTEM} daemonset/headroom-agent 9470    # then http://localhost:9470/`,
    '',
    'Ctrl-C ends everything.',
  ].join('\n');
}
