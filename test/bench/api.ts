// What reads of the metrics API cost the server: CPU of its process per request, over TLS with a kept connection and a client
// certificate, on 30,000 pods. metrics-server v0.9.0 on the same cluster, measured apart, whatever changed:
// all pods 619 ms, protobuf 403 ms, gzip 552 ms, a namespace 24.7 ms, one pod 0.38 ms, nodes 8.8 ms.
// The bound of 80 ms for gzip is held against the case that costs most, every item changed.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
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
const GZIP = { 'accept-encoding': 'gzip' };
/** As kubectl and controllers ask. */
const PROTOBUF = { accept: 'application/vnd.kubernetes.protobuf, */*' };
const ALL_PODS = { path: `${ROOT}/pods`, items: PODS };
const NAMESPACE = { path: `${ROOT}/namespaces/team-03/pods`, items: 1500, bound: 3 };
const SELECTED = { path: `${NAMESPACE.path}?labelSelector=app%3Dworkload-3`, items: 300 };
const ALL_NODES = { path: `${ROOT}/nodes`, items: NODES, bound: 2 };
const ONE_POD = {
  path: `${ROOT}/namespaces/${namespaceOf(4711)}/pods/${podName(4711)}`,
  bound: 0.25,
  requests: SMALL,
};
const READS: readonly Read[] = [
  { figure: 'list 30,000 pods, nothing changed', ...ALL_PODS, bound: 40 },
  { figure: 'list 30,000 pods, nothing changed, protobuf', ...ALL_PODS, bound: 40, headers: PROTOBUF },
  { figure: 'list 30,000 pods, nothing changed, gzip', ...ALL_PODS, bound: 80, headers: GZIP },
  { figure: 'list 30,000 pods, every item changed', ...ALL_PODS, bound: 120, pushed: true },
  {
    figure: 'list 30,000 pods, every item changed, protobuf',
    ...ALL_PODS,
    bound: 120,
    pushed: true,
    headers: PROTOBUF,
  },
  { figure: 'list 30,000 pods, every item changed, gzip', ...ALL_PODS, bound: 80, pushed: true, headers: GZIP },
  {
    figure: 'list 30,000 pods, every item changed, protobuf and gzip',
    ...ALL_PODS,
    bound: 80,
    pushed: true,
    headers: { ...PROTOBUF, ...GZIP },
  },
  { figure: 'list 1,500 pods of a namespace, every item changed', ...NAMESPACE, pushed: true },
  {
    figure: 'list 1,500 pods of a namespace, every item changed, protobuf',
    ...NAMESPACE,
    pushed: true,
    headers: PROTOBUF,
  },
  { figure: 'list 300 pods of a namespace by label, every item changed', ...SELECTED, pushed: true },
  {
    figure: 'list 300 pods of a namespace by label, every item changed, protobuf',
    ...SELECTED,
    pushed: true,
    headers: PROTOBUF,
  },
  { figure: 'get one pod', ...ONE_POD },
  { figure: 'get one pod, protobuf', ...ONE_POD, headers: PROTOBUF },
  { figure: 'list 1,000 nodes, every item changed', ...ALL_NODES, pushed: true },
  { figure: 'list 1,000 nodes, every item changed, protobuf', ...ALL_NODES, pushed: true, headers: PROTOBUF },
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
    floor,
  };
}

/** A fast wrong answer is no figure. */
function check(answer: Buffer, { figure, items, headers = {} }: Read): void {
  const body = 'accept-encoding' in headers ? gunzipSync(answer) : answer;
  const objects = 'accept' in headers ? protobufObjects(body) : jsonObjects(body);
  if (objects !== (items ?? 2)) throw new Error(`${figure}: wrong answer: ${body.toString('utf8', 0, 300)}`);
}

/** Items of a list, or containers of a pod. */
function jsonObjects(body: Buffer): number | undefined {
  const { items, containers } = JSON.parse(body.toString()) as { items?: unknown[]; containers?: unknown[] };
  return (items ?? containers)?.length;
}

/** The same: a list's items are field 2, a pod's containers field 4. */
function protobufObjects(body: Buffer): number {
  const envelope = fieldsOf(body.subarray('k8s\0'.length));
  const isList = envelope.get(1)![0]!.includes('List');
  return fieldsOf(envelope.get(2)![0]!).get(isList ? 2 : 4)?.length ?? 0;
}

/** Fields that have a length, by number: there are no others where this is used. */
function fieldsOf(message: Buffer): Map<number, Buffer[]> {
  const fields = new Map<number, Buffer[]>();
  for (let at = 0; at < message.length;) {
    const number = message[at++]! >> 3;
    let [length, byte, factor] = [0, 0x80, 1];
    for (; byte >= 0x80; factor *= 128) {
      byte = message[at++]!;
      length += (byte & 0x7f) * factor;
    }
    const values = fields.get(number) ?? [];
    fields.set(number, values);
    values.push(message.subarray(at, (at += length)));
  }
  return fields;
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
