// The standalone launcher as a user starts it, and a plain HTTPS client with the credential of the kubeconfig that it printed.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { progress } from './say.ts';
import { until } from './until.ts';

const LAUNCHER = '/headroom/dist/aggregator/standalone/main.js';
const START_MS = 60_000;
const REQUEST_MS = 10_000;
const STOP_MS = 20_000;

export interface Cluster {
  /** GET of an API path, parsed; undefined for 404 and for 503 (not ready yet). */
  get(path: string): Promise<unknown>;
  /** Everything that the launcher and its processes printed so far. */
  output(): string;
  running(): boolean;
  /** Ends it as Ctrl-C does. @returns the exit code, or the signal that it took */
  stop(): Promise<number | string>;
}

/** @param args what follows `npm start --` */
export async function startCluster(args: readonly string[]): Promise<Cluster> {
  let text = '';
  const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  const kubeconfig = await until('the line export KUBECONFIG=', START_MS, () => {
    if (child.exitCode !== null) throw new Error(`the launcher exited with ${child.exitCode}:\n${text}`);
    return /^export KUBECONFIG=(\S+)\s*$/m.exec(text)?.[1];
  }).catch((error: Error) => {
    child.kill('SIGKILL');
    throw new Error(`${error.message}\n${text}`, { cause: error });
  });
  progress(`kubeconfig ${kubeconfig}`);
  const get = client(kubeconfig);
  return { get, output: () => text, running: () => child.exitCode === null, stop: () => stop(child) };
}

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

function client(file: string): (path: string) => Promise<unknown> {
  // The launcher writes JSON, which is YAML too.
  const { clusters, users } = JSON.parse(readFileSync(file, 'utf8')) as Kubeconfig;
  const [cluster, user] = [clusters[0]!.cluster, users[0]!.user];
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 2,
    ca: decoded(cluster['certificate-authority-data']),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
  });
  const headers: Record<string, string> = { accept: 'application/json' };
  if (user['token']) headers['authorization'] = `Bearer ${user['token']}`;
  return (path) =>
    new Promise((resolve, reject) => {
      const url = new URL(path, cluster['server']);
      const asked = request(url, { agent, headers, timeout: REQUEST_MS }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => {
          if (response.statusCode === 200) return resolve(JSON.parse(body));
          if (response.statusCode === 404 || response.statusCode === 503) return resolve(undefined);
          reject(new Error(`GET ${path}: ${response.statusCode} ${body.slice(0, 300)}`));
        });
      });
      asked.on('timeout', () => asked.destroy(new Error(`GET ${path}: no answer in ${REQUEST_MS} ms`)));
      asked.on('error', reject).end();
    });
}

function decoded(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'base64');
}

async function stop(child: ChildProcess): Promise<number | string> {
  child.kill('SIGINT');
  try {
    return await until('the launcher’s end', STOP_MS, () => child.exitCode ?? child.signalCode ?? undefined);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}
