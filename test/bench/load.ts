// The cluster bench's agents: one process that pushes as all nodes' agents would, each over a TLS connection of its own to each
// aggregator. Told what to do by messages of its parent.
import type { PodLife } from './cluster-shape.ts';
import { nodeOf } from './cluster-shape.ts';
import { agentToken } from './cluster-token.ts';
import { LoadNode } from './load-node.ts';
import { LoadSender } from './load-sender.ts';
import type { Pace, PushCounts, Target } from './load-sender.ts';

export type LoadOrder =
  | {
      readonly kind: 'start';
      readonly nodes: number;
      readonly targets: readonly Target[];
      readonly intervalMs: number;
      readonly spreadMs: number;
      readonly lives: readonly PodLife[];
    }
  | { readonly kind: 'pace'; readonly intervalMs: number }
  /** No more regular pushes; answered at once. */
  | { readonly kind: 'hold' }
  /** While held: one push of every node; answered when all are taken. */
  | { readonly kind: 'push_all' }
  | { readonly kind: 'started'; readonly life: PodLife }
  | { readonly kind: 'counts' };

/** Milliseconds of a push, as its sender sees it. */
export interface LoadCounts extends Omit<PushCounts, 'tookMs'> {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const nodes: LoadNode[] = [];
const senders: LoadSender[][] = [];
const pace: Pace = { intervalMs: 5000 };
const counts: PushCounts = { stored: 0, bytes: 0, resent: 0, failed: 0, reason: '', tookMs: [] };

process.on('message', (order: LoadOrder) => obey(order));
process.on('disconnect', () => process.exit(0));

function obey(order: LoadOrder): void {
  switch (order.kind) {
    case 'start':
      return start(order);
    case 'pace':
      return repace(order.intervalMs);
    case 'hold':
      for (const each of senders) for (const sender of each) sender.hold();
      return void process.send!({ kind: 'held' });
    case 'push_all':
      return void pushAll();
    case 'started':
      return replaced(order.life);
    case 'counts':
      process.send!(taken());
  }
}

function start(order: Extract<LoadOrder, { kind: 'start' }>): void {
  pace.intervalMs = order.intervalMs;
  for (let index = 0; index < order.nodes; index++) {
    const node = new LoadNode(index);
    const token = agentToken(node.name);
    nodes.push(node);
    senders.push(order.targets.map((target) => new LoadSender(node, target, token, pace, counts)));
  }
  for (const life of order.lives) replaced(life);
  for (const each of senders) for (const sender of each) sender.start(Math.random() * order.spreadMs);
  process.send!({ kind: 'started' });
}

function replaced(life: PodLife): void {
  const node = nodeOf(life.pod);
  const { rows, gone } = nodes[node]!.replace(life);
  for (const sender of senders[node]!) sender.replaced(rows, gone, life);
}

/** Spread over the new interval at once, as agents that are not in step are. */
function repace(intervalMs: number): void {
  pace.intervalMs = intervalMs;
  for (const each of senders) for (const sender of each) sender.start(Math.random() * intervalMs);
}

/** So many at once: agents never come all in the same instant. */
const AT_ONCE = 50;

async function pushAll(): Promise<void> {
  const all = senders.flat();
  for (let from = 0; from < all.length; from += AT_ONCE)
    await Promise.all(all.slice(from, from + AT_ONCE).map((sender) => sender.once()));
  process.send!({ kind: 'pushed' });
}

function taken(): LoadCounts {
  const sorted = counts.tookMs.sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
  const { stored, bytes, resent, failed, reason } = counts;
  Object.assign(counts, { stored: 0, bytes: 0, resent: 0, failed: 0, reason: '', tookMs: [] });
  return { stored, bytes, resent, failed, reason, p50Ms: at(0.5), p99Ms: at(0.99) };
}
