// What reads of the metrics API cost the server: CPU of its process per request, over TLS with a kept connection and a client
// certificate, on 30,000 pods. metrics-server v0.9.0 on the same cluster, measured apart: 619 ms, 24.7 ms, 0.38 ms, 8.8 ms.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import { fileURLToPath } from 'node:url';
import { createClusterPki } from '../../aggregator/standalone/pki.ts';
import { namespaceOf, NODES, podName, PODS_PER_NODE } from './api-cluster.ts';
import type { Order, Reply } from './api-server.ts';
import type { Figure } from './figure.ts';

const BENCH = 'api';
const RUNS = 15;
const WARM_UP = 5;
/** Small answers are measured in runs of this many. */
const SMALL = 200;
const ROOT = '/apis/metrics.k8s.io/v1';

interface Read {
  readonly figure: string;
  readonly path: string;
  readonly bound?: number;
  /** How many objects a right answer has; undefined: one object. */
  readonly items?: number;
  readonly requests?: number;
  /** All nodes push before each request. */
  readonly pushed?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

const PODS = NODES * PODS_PER_NODE;
const READS: readonly Read[] = [
  { figure: 'list 30,000 pods, nothing changed', path: `${ROOT}/pods`, bound: 40, items: PODS },
  { figure: 'list 30,000 pods, every item changed', path: `${ROOT}/pods`, bound: 120, items: PODS, pushed: true },
  {
    figure: 'list 30,000 pods, every item changed, gzip',
    path: `${ROOT}/pods`,
    pushed: true,
    headers: { 'accept-encoding': 'gzip' },
  },
  {
    figure: 'list 1,500 pods of a namespace, every item changed',
    path: `${ROOT}/namespaces/team-03/pods`,
    items: 1500,
    pushed: true,
  },
  {
    figure: 'list 300 pods of a namespace by label, every item changed',
    path: `${ROOT}/namespaces/team-03/pods?labelSelector=app%3Dworkload-3`,
    items: 300,
    pushed: true,
  },
  {
    figure: 'get one pod',
    path: `${ROOT}/namespaces/${namespaceOf(4711)}/pods/${podName(4711)}`,
    bound: 0.25,
    requests: SMALL,
  },
  { figure: 'list 1,000 nodes, every item changed', path: `${ROOT}/nodes`, items: NODES, pushed: true },
];

export async function benchApi(): Promise<Figure[]> {
  const pki = await createClusterPki(Date.now());
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const child = fork(fileURLToPath(new URL(`./api-server${extension}`, import.meta.url)));
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: pki.ca, cert: pki.admin.cert, key: pki.admin.key });
  try {
    const { ports } = await told(child, {
      kind: 'start',
      credentials: { ca: pki.ca, cert: pki.serving.cert, key: pki.serving.key },
    });
    const figures: Figure[] = [];
    for (const read of READS) figures.push(await measured(child, agent, ports!, read));
    const { rssBytes } = await told(child, { kind: 'cpu' });
    return [
      ...figures,
      {
        bench: BENCH,
        figure: 'resident memory of the server after these reads',
        value: rssBytes / 2 ** 20,
        unit: 'MiB',
      },
    ];
  } finally {
    agent.destroy();
    child.disconnect();
    await once(child, 'exit');
  }
}

async function measured(
  child: ChildProcess,
  agent: Agent,
  ports: { api: number; bare: number },
  read: Read,
): Promise<Figure> {
  const answer = await fetchBytes(agent, ports.api, read);
  check(answer, read);
  await told(child, { kind: 'bare_body', bytes: answer.length });
  const value = await medianCpuMs(child, read, () => fetchBytes(agent, ports.api, read));
  const floor = await medianCpuMs(child, { ...read, pushed: false }, () => fetchBytes(agent, ports.bare, read));
  return {
    bench: BENCH,
    figure: read.figure,
    value,
    unit: 'ms cpu',
    ...(read.bound === undefined ? {} : { bound: read.bound }),
    // The bare handler compresses nothing.
    ...(read.headers ? {} : { floor }),
  };
}

/** A fast wrong answer is no figure. */
function check(answer: Buffer, { figure, items, headers }: Read): void {
  if (headers) return;
  const body = JSON.parse(answer.toString()) as { kind: string; items?: unknown[]; containers?: unknown[] };
  const right = items === undefined ? body.containers?.length === 2 : body.items?.length === items;
  if (!right) throw new Error(`${figure}: wrong answer: ${answer.toString('utf8', 0, 300)}`);
}

async function medianCpuMs(
  child: ChildProcess,
  { requests = 1, pushed = false }: Read,
  fetch: () => Promise<Buffer>,
): Promise<number> {
  const runs: number[] = [];
  for (let run = -WARM_UP; run < RUNS; run++) {
    const before = await told(child, { kind: pushed ? 'push' : 'cpu' });
    for (let count = 0; count < requests; count++) await fetch();
    const after = await told(child, { kind: 'cpu' });
    if (run >= 0) runs.push((after.cpuMs - before.cpuMs) / requests);
  }
  return runs.sort((a, b) => a - b)[RUNS >> 1]!;
}

/** One order at a time: the next message is the answer. */
function told(child: ChildProcess, order: Order): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const settled = (settle: () => void): void => {
      child.off('message', onReply);
      child.off('exit', onExit);
      settle();
    };
    const onReply = (reply: Reply): void => settled(() => resolve(reply));
    const onExit = (code: number | null): void =>
      settled(() => reject(new Error(`the API's process ended with code ${String(code)}`)));
    child.on('message', onReply);
    child.on('exit', onExit);
    child.send(order);
  });
}

async function fetchBytes(agent: Agent, port: number, { path, headers = {} }: Read): Promise<Buffer> {
  const request = httpsRequest({ agent, host: '127.0.0.1', port, path, headers });
  request.end();
  const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer> & { readonly statusCode?: number }];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (response.statusCode !== 200)
    throw new Error(`${path}: ${String(response.statusCode)} ${body.toString('utf8', 0, 300)}`);
  return body;
}
