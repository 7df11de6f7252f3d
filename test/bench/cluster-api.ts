// The cluster bench's API server, a process of its own so that its CPU is not the aggregator's: lists by pages, watches with
// bookmarks, pods that come and go, reviews. Told what to do by messages of its parent.
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { authenticationConfig, elsewhere, reviewOf } from './cluster-reviews.ts';
import type { PodLife } from './cluster-shape.ts';
import { asMetadata, METADATA_KIND, metadataOf, wantsMetadata } from './cluster-metadata.ts';
import { ClusterState, KINDS } from './cluster-state.ts';
import type { Collection } from './cluster-state.ts';

export interface ApiStart {
  readonly kind: 'start';
  readonly nodes: number;
  readonly pods: number;
  readonly clientCa: string;
  readonly frontProxyCa: string;
  readonly tls: { readonly cert: string; readonly key: string };
}

/** `perSecond`: pods replaced; pods whose status changes otherwise; nodes whose status changes. */
export type ApiOrder =
  | ApiStart
  | { readonly kind: 'churn'; readonly replaced: number; readonly touched: number; readonly nodes: number }
  /** How many tokens it was asked about since the last order of this kind. */
  | { readonly kind: 'token_reviews' };

export type ApiSaying =
  | { readonly kind: 'listening'; readonly port: number }
  /** The kubelet started the containers of a pod that was made anew. */
  | { readonly kind: 'started'; readonly life: PodLife }
  | { readonly kind: 'token_reviews'; readonly count: number };

const TICK_MS = 100;
const BOOKMARK_MS = 60_000;
/** From the binding to running containers. */
const START_MS = 1500;

interface Watch {
  readonly collection: Collection;
  readonly response: ServerResponse;
  /** Objects are sent as PartialObjectMetadata. */
  readonly metadata: boolean;
}

const watches = new Set<Watch>();
let state: ClusterState | undefined;
let tokenReviews = 0;

process.on('message', (order: ApiOrder) => void obey(order));
process.on('disconnect', () => process.exit(0));

async function obey(order: ApiOrder): Promise<void> {
  if (order.kind === 'churn') return churn(order.replaced, order.touched, order.nodes);
  if (order.kind === 'token_reviews') {
    say({ kind: 'token_reviews', count: tokenReviews });
    tokenReviews = 0;
    return;
  }
  const cluster = new ClusterState(order.nodes, order.pods);
  state = cluster;
  cluster.onEvent = (collection, { line }) => {
    for (const watch of watches)
      if (watch.collection === collection) watch.response.write(watch.metadata ? asMetadata(line) : line);
  };
  const server = createServer(
    { ...order.tls, keepAliveTimeout: 90_000 },
    (request, response) => void answer(request, response, cluster, order),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  setInterval(bookmark, BOOKMARK_MS, cluster).unref();
  say({ kind: 'listening', port: (server.address() as AddressInfo).port });
}

function say(saying: ApiSaying): void {
  process.send!(saying);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  cluster: ClusterState,
  { clientCa, frontProxyCa }: ApiStart,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://api');
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const collection = /^\/api\/v1\/(nodes|pods)$/.exec(url.pathname)?.[1] as Collection | undefined;
  const metadata = wantsMetadata(request.headers.accept);
  if (url.searchParams.has('watch')) return watch(collection, url, response, cluster, metadata);
  if (collection !== undefined) return list(collection, url, response, cluster, metadata);
  const config = authenticationConfig(clientCa, frontProxyCa, cluster.version);
  if (url.pathname.endsWith('/configmaps/extension-apiserver-authentication')) return send(response, 200, config);
  if (request.method === 'GET' && /\/[a-z]+$/.test(url.pathname)) {
    const isConfig = url.pathname.endsWith('/configmaps');
    const items = isConfig ? [config] : [];
    return send(response, 200, {
      kind: isConfig ? 'ConfigMapList' : 'List',
      apiVersion: 'v1',
      metadata: { resourceVersion: String(cluster.version) },
      items,
    });
  }
  const body: unknown = chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
  const review = reviewOf(url.pathname, body);
  if (url.pathname.endsWith('/tokenreviews')) tokenReviews++;
  if (review) return send(response, review.status, review.body);
  if (request.method === 'GET') {
    const { status, body } = elsewhere(url.pathname);
    return send(response, status, body);
  }
  send(response, request.method === 'POST' ? 201 : 200, body as object);
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function list(
  collection: Collection,
  { searchParams }: URL,
  response: ServerResponse,
  cluster: ClusterState,
  asMetadata: boolean,
): void {
  // The first page's version goes with all of them, in the token: what changes meanwhile comes by the watch.
  const [from = '0', version = String(cluster.version)] = (searchParams.get('continue') ?? '')
    .split('@')
    .filter((part) => part !== '');
  const page = cluster.page(collection, Number(from), Number(searchParams.get('limit') ?? cluster.pods));
  const metadata = { resourceVersion: version, ...(page.next === '' ? {} : { continue: `${page.next}@${version}` }) };
  response.writeHead(200, { 'content-type': 'application/json' });
  const items = asMetadata ? page.items.map(metadataOf) : page.items;
  const type = asMetadata
    ? `"kind":"${METADATA_KIND}List","apiVersion":"meta.k8s.io/v1"`
    : `"kind":"${KINDS[collection]}List","apiVersion":"v1"`;
  response.end(`{${type},"metadata":${JSON.stringify(metadata)},"items":[${items.join(',')}]}`);
}

function watch(
  collection: Collection | undefined,
  { searchParams }: URL,
  response: ServerResponse,
  cluster: ClusterState,
  metadata: boolean,
): void {
  // A list by a watch: Go's clients fall back to a list where a server has no such thing.
  if (searchParams.has('sendInitialEvents')) {
    const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Invalid', code: 422 };
    return send(response, 422, { ...status, message: 'sendInitialEvents is forbidden for watch' });
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  const end = setTimeout(() => response.end(), Number(searchParams.get('timeoutSeconds') ?? 300) * 1000);
  response.on('close', () => clearTimeout(end));
  if (collection === undefined) return; // other kinds never change
  const missed = cluster.eventsAfter(collection, Number(searchParams.get('resourceVersion')));
  if (missed === undefined) {
    response.end(
      '{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired","message":"too old resource version"}}\n',
    );
    return;
  }
  for (const { line } of missed) response.write(metadata ? asMetadata(line) : line);
  const one = { collection, response, metadata };
  watches.add(one);
  response.on('close', () => watches.delete(one));
}

function bookmark(cluster: ClusterState): void {
  const meta = `"metadata":{"resourceVersion":"${cluster.version}"}`;
  for (const { collection, response, metadata } of watches) {
    const line = `{"type":"BOOKMARK","object":{"kind":"${KINDS[collection]}","apiVersion":"v1",${meta}}}\n`;
    response.write(metadata ? asMetadata(line) : line);
  }
}

let ticking: NodeJS.Timeout | undefined;

function churn(replaced: number, touched: number, nodes: number): void {
  const cluster = state!;
  clearInterval(ticking);
  const owed = { replaced: 0, touched: 0, nodes: 0 };
  const rates = { replaced, touched, nodes };
  const any = (count: number): number => Math.floor(Math.random() * count);
  const acts = {
    replaced: (): void => {
      const pod = any(cluster.pods);
      cluster.replace(pod);
      setTimeout(() => {
        cluster.change(pod, 'running');
        say({ kind: 'started', life: cluster.life(pod) });
      }, START_MS);
    },
    touched: (): void => cluster.touchPod(any(cluster.pods)),
    nodes: (): void => cluster.touchNode(any(cluster.nodes)),
  };
  ticking = setInterval(() => {
    for (const what of ['replaced', 'touched', 'nodes'] as const)
      for (owed[what] += (rates[what] * TICK_MS) / 1000; owed[what] >= 1; owed[what]--) acts[what]();
  }, TICK_MS);
}
