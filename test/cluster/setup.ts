// Before the first test: what is fetched or built, outside, where there is a network; then the same run again inside its namespaces,
// where the cluster boots once for all files and ends with them.
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { insideNamespaces, runPlace } from '../e2e/namespace.ts';
import { leaveNote } from './cluster.ts';
import { collect } from './collect.ts';
import type { RealCluster } from './real-cluster.ts';
import { startRealCluster } from './real-cluster.ts';

let cluster: RealCluster | undefined;
let hasFailed: () => boolean = () => false;

function say(text: string): void {
  process.stderr.write(`cluster: ${text}\n`);
}

export async function setup({ vitest }: TestProject): Promise<void> {
  hasFailed = () => vitest.state.getFiles().some(({ result }) => result?.state === 'fail');
  const collected = await collect(process.env, say);
  await insideNamespaces();
  cluster = await startRealCluster(collected, join(runPlace(process.env).folder, 'real'), say);
  const { url, kubeconfig, auditFile, pki } = cluster.controlPlane;
  leaveNote({ url, kubeconfig, auditFile, ca: pki.clusterCa.cert, ...pki.admin });
}

export async function teardown(): Promise<void> {
  // What a machine that hangs said last is told nowhere else.
  if (cluster && hasFailed()) say(`the node's console:\n${cluster.node.qemu.lastWords()}`);
  await cluster?.close();
}
