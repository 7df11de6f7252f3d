// metrics-server as a program: built once from its Go module at a pinned version, kept in the cache outside the repository.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheDirectory } from '../vm/kernel-image.ts';
import { findTool } from '../vm/prerequisites.ts';
import { CannotRun } from './figure.ts';

export const METRICS_SERVER = 'v0.9.0';
const PACKAGE = 'sigs.k8s.io/metrics-server/cmd/metrics-server';

/** @returns its path @throws CannotRun where it is neither there nor can be built */
export function metricsServerBinary(environment: NodeJS.ProcessEnv, say: (text: string) => void): string {
  const folder = join(cacheDirectory(environment), 'metrics-server', METRICS_SERVER);
  const binary = join(folder, 'metrics-server');
  if (existsSync(binary)) return binary;
  if (findTool('go', environment['PATH'] ?? '') === undefined)
    throw new CannotRun(
      `metrics-server ${METRICS_SERVER} is built once by Go, which is not on the PATH: install it from https://go.dev/dl`,
    );
  say(`building metrics-server ${METRICS_SERVER} from its Go module: once, about 3 minutes on 2 cores`);
  const staged = `${folder}.${process.pid}`;
  mkdirSync(staged, { recursive: true });
  try {
    const env = { ...environment, GOBIN: staged, CGO_ENABLED: '0' };
    execFileSync('go', ['install', `${PACKAGE}@${METRICS_SERVER}`], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    mkdirSync(folder, { recursive: true });
    renameSync(join(staged, 'metrics-server'), binary);
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
  return binary;
}

export interface MetricsServerStart {
  readonly binary: string;
  readonly kubeconfig: string;
  readonly cert: string;
  readonly key: string;
  readonly port: number;
  readonly kubeletPort: number;
}

export interface MetricsServer {
  readonly child: ChildProcess;
  /** The last that it wrote, for a failure's message. */
  said(): string;
}

const LAST_LINES = 20;

/** With the flags of its own manifests, but for the addresses of a loopback. */
export function startMetricsServer(start: MetricsServerStart): MetricsServer {
  const { kubeconfig } = start;
  const flags = [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${start.port}`,
    `--tls-cert-file=${start.cert}`,
    `--tls-private-key-file=${start.key}`,
    '--metric-resolution=15s',
    '--kubelet-preferred-address-types=InternalIP',
    `--kubelet-port=${start.kubeletPort}`,
    '--kubelet-insecure-tls',
  ];
  const child = spawn(start.binary, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  const last: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    last.push(line);
    if (last.length > LAST_LINES) last.shift();
  });
  return { child, said: () => last.join('\n') };
}
