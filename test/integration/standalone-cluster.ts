// An API of a cluster of one in the test's own process, and the real kubectl to ask it.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../agent/runtime/logger.ts';
import type { ClusterApi, ClusterApiOptions } from '../../aggregator/standalone/api/cluster-api.ts';
import { createClusterApi } from '../../aggregator/standalone/api/cluster-api.ts';
import { ObjectStore } from '../../aggregator/standalone/api/object-store.ts';
import { createTokenAuthority } from '../../aggregator/standalone/api/account-tokens.ts';
import { kubeconfigText } from '../../aggregator/standalone/kubeconfig.ts';
import type { ClusterPki } from '../../aggregator/standalone/pki.ts';
import { createClusterPki } from '../../aggregator/standalone/pki.ts';
import { kubectlPath } from '../kubectl/kubectl.ts';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Kubectl = (...args: readonly string[]) => Promise<Answer>;

export interface TestCluster {
  readonly store: ObjectStore;
  readonly api: ClusterApi;
  readonly pki: ClusterPki;
  readonly folder: string;
  readonly kubectl: Kubectl;
  close(): Promise<void>;
}

export async function startCluster(options: Partial<ClusterApiOptions> = {}): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'headroom-test-'));
  const pki = await createClusterPki(Date.now());
  const store = new ObjectStore({ wallTimeMs: Date.now, caps: { events: 1000 } });
  const tls = { ...pki.serving, clientCa: pki.ca };
  const base = { log: silentLogger, store, wallTimeMs: Date.now, port: 0, tls, tokens: createTokenAuthority(Date.now) };
  const api = await createClusterApi({ ...base, ...options });
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigText(api.url, pki.ca, 'admin', { kind: 'certificate', pair: pki.admin }));
  return {
    store,
    api,
    pki,
    folder,
    kubectl: await kubectlWith(kubeconfig, folder),
    close: async () => {
      await api.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** @param home where kubectl keeps its discovery cache */
export async function kubectlWith(kubeconfig: string, home: string): Promise<Kubectl> {
  const path = await kubectlPath();
  const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: home };
  return (...args) =>
    new Promise((resolve) => {
      execFile(path, args, { env, timeout: 20_000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      });
    });
}

export async function until<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 15_000,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
