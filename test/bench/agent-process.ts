// The agent as its image ships it (bundled, its flags and environment, the addon where it was built) over real containers' cgroups that
// stand still, pushing to a receiver in this process; what it takes is read from /proc, from /metrics and from V8's own log of collections.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHierarchy } from '../../agent/cgroup/hierarchy.ts';
import { encodeReply } from '../../agent/protocol/push-reply.ts';
import { createClusterPki } from '../../aggregator/standalone/pki.ts';
import { makeBenchCgroups } from './bench-cgroups.ts';
import type { BenchCgroups } from './bench-cgroups.ts';
import { bundleOf } from './bundle.ts';

export interface AgentProcess {
  readonly pid: number;
  readonly cgroups: BenchCgroups;
  /** CPU time of all its threads. */
  cpuMs(): number;
  /** Times that its main thread waited for something, and got it: wake-ups. */
  wakeUps(): number;
  rssBytes(): number;
  openFiles(): number;
  /** Pauses for collection of garbage since the start, ms of wall time each. */
  pausesMs(): readonly number[];
  /** Of the newest push. */
  pushBytes(): number;
  metrics(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

interface Receiver {
  readonly url: string;
  readonly ca: string | undefined;
  readonly lastBytes: () => number;
  close(): void;
}

/** @param pods of two containers each; needs root for the cgroups. @param tls whether it pushes as it does in a cluster */
export async function startAgent(pods: number, tls: boolean): Promise<AgentProcess> {
  const receiver = await startReceiver(tls);
  const cgroups = await makeBenchCgroups(openHierarchy('/sys/fs/cgroup'), pods);
  const directory = mkdtempSync(join(tmpdir(), 'headroom-bench-'));
  const child = spawnAgent(directory, receiver, cgroups.root);
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(undefined)));
    receiver.close();
    await cgroups.remove();
    rmSync(directory, { recursive: true });
  };
  try {
    const output = readOutput(child.stdout!);
    const port = await output.port;
    const pid = child.pid!;
    return {
      pid,
      cgroups,
      cpuMs: () => cpuMs(pid),
      wakeUps: () => Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(read(`/proc/${pid}/task/${pid}/status`))?.[1]),
      rssBytes: () => Number(/VmRSS:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`))?.[1]) * 1024,
      openFiles: () => readdirSync(`/proc/${pid}/fd`).length,
      pausesMs: output.pausesMs,
      pushBytes: receiver.lastBytes,
      metrics: () => scrape(port),
      close,
    };
  } catch (err) {
    await close();
    throw err;
  }
}

function spawnAgent(directory: string, receiver: Receiver, cgroupRoot: string): ChildProcess {
  const [token, ca] = [join(directory, 'token'), join(directory, 'ca.crt')];
  writeFileSync(token, 'bench');
  if (receiver.ca !== undefined) writeFileSync(ca, receiver.ca);
  const { entry, nodeFlags, environment } = bundleOf('agent', join(directory, 'image'));
  const flags = [
    '--node-name=bench',
    `--aggregator=${receiver.url}`,
    ...(receiver.ca === undefined ? [] : [`--aggregator-ca-file=${ca}`]),
    `--token-file=${token}`,
    `--cgroup-root=${cgroupRoot}`,
    '--listen=127.0.0.1:0',
    '--debug-listen=127.0.0.1:0',
    '--log-level=info',
  ];
  return spawn(process.execPath, [...nodeFlags, '--trace-gc', entry, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
}

/** Takes every push and keeps the size of the newest. */
async function startReceiver(tls: boolean): Promise<Receiver> {
  let last = 0;
  const take = (req: http.IncomingMessage, res: http.ServerResponse): void => {
    let bytes = 0;
    req.on('data', (chunk: Buffer) => (bytes += chunk.length));
    req.on('end', () => {
      last = bytes;
      res.end(encodeReply({ accepted: 0, names: [], directives: [] }));
    });
  };
  const options = { keepAliveTimeout: 60_000 };
  const pki = tls ? await createClusterPki(Date.now()) : undefined;
  const server = pki ? https.createServer({ ...options, ...pki.serving }, take) : http.createServer(options, take);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    ca: pki?.ca,
    lastBytes: () => last,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Its output is read to the end: a pipe that nobody reads would stop it, a closed one fail its log. */
function readOutput(stdout: NodeJS.ReadableStream): { port: Promise<number>; pausesMs: () => readonly number[] } {
  const pauses: number[] = [];
  let rest = '';
  const port = new Promise<number>((resolve, reject) => {
    stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const pause = /ms: (?:Scavenge|Mark-Compact)\b.* MB, (?:pooled: [\d.]+ MB, )?([\d.]+) \//.exec(line)?.[1];
        if (pause !== undefined) pauses.push(Number(pause));
        if (line.includes('"listening"')) resolve((JSON.parse(line) as { ports: { health: number } }).ports.health);
      }
    });
    stdout.once('end', () => reject(new Error(`the agent ended before it listened: ${rest}`)));
  });
  return { port, pausesMs: () => pauses };
}

/** In nanoseconds, where /proc/PID/stat has hundredths; exact while a thread sleeps, which the agent's do but for a few ms a second. */
function cpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, each) => sum + Number.parseInt(read(`/proc/${pid}/task/${each}/schedstat`), 10) / 1e6, 0);
}

function read(path: string): string {
  return readFileSync(path, 'latin1');
}

async function scrape(port: number): Promise<Map<string, number>> {
  const body = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const samples = new Map<string, number>();
  for (const line of body.split('\n')) {
    const match = /^([^#\s]\S*) (\S+)$/.exec(line);
    if (match) samples.set(match[1] ?? '', Number(match[2]));
  }
  return samples;
}
