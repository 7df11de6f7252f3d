// The live view on a terminal: the node, its pods with what they use, the last resizes. Reads the API like any client would.
import { Agent, request } from 'node:https';
import type { KubeEvent, Pod } from './api/objects.ts';
import type { ObjectStore } from './api/object-store.ts';
import { age } from './api/table.ts';
import type { KeyPair } from './pki.ts';
import type { NodeUsage, PodUsage, Screen } from './view-text.ts';
import { screenText } from './view-text.ts';

export interface ViewOptions {
  readonly store: ObjectStore;
  readonly apiUrl: string;
  readonly ca: string;
  readonly admin: KeyPair;
  readonly out: NodeJS.WriteStream;
  /** Lines that stay above the table: kubeconfig, commands, what is missing. */
  readonly head: readonly string[];
}

const REFRESH_MS = 1000;
const EVENTS_SHOWN = 6;
const SAME_RESIZE_MS = 15_000;

/** @returns ends the view and leaves the terminal as it was */
export function startView(options: ViewOptions): () => void {
  const { out, store, head } = options;
  const agent = new Agent({ keepAlive: true, ca: options.ca, ...options.admin });
  const get = async <T>(path: string): Promise<readonly T[]> => {
    try {
      return ((await getJson(agent, options.apiUrl + path)) as { items?: readonly T[] }).items ?? [];
    } catch {
      // The aggregator is not up yet, or no more: the table shows what there is.
      return [];
    }
  };
  let busy = false;
  const draw = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    const [nodes, pods] = await Promise.all([
      get<NodeUsage>('/apis/metrics.k8s.io/v1beta1/nodes'),
      get<PodUsage>('/apis/metrics.k8s.io/v1beta1/pods'),
    ]);
    const screen: Screen = { head, nodes, usage: pods, pods: store.list('pods') as Pod[], events: lastEvents(store) };
    // Home, then each line to its end, then the rest of the screen: no flicker.
    out.write(`\x1b[H${screenText(screen, out.columns ?? 100, out.rows ?? 40).replaceAll('\n', '\x1b[K\n')}\x1b[J`);
    busy = false;
  };
  out.write('\x1b[?1049h\x1b[?25l');
  const timer = setInterval(() => void draw(), REFRESH_MS);
  void draw();
  return () => {
    clearInterval(timer);
    agent.destroy();
    out.write('\x1b[?25h\x1b[?1049l');
  };
}

function lastEvents(store: ObjectStore): readonly string[] {
  const events = store.list('events') as KubeEvent[];
  const newestFirst = events
    .filter(({ reason = '' }) => /Resize|OOM|BackOff/.test(reason))
    .sort((a, b) => Number(b.metadata.resourceVersion) - Number(a.metadata.resourceVersion));
  return onePerResize(newestFirst)
    .slice(0, EVENTS_SHOWN)
    .map(({ lastTimestamp, metadata, reason, involvedObject, message }) => {
      const seen = age(lastTimestamp ?? metadata.creationTimestamp, Date.now());
      return `${seen.padEnd(6)}${involvedObject.namespace}/${involvedObject.name} ${reason}: ${message}`;
    });
}

/** Of a resize's Events the one that says why; the kubelet's own where somebody else asked for it. */
function onePerResize(events: readonly KubeEvent[]): readonly KubeEvent[] {
  const decided = events.filter(({ reason }) => reason === 'HeadroomResize');
  const follows = (event: KubeEvent): boolean =>
    decided.some(
      (one) =>
        one.involvedObject.uid === event.involvedObject.uid && Math.abs(timeOf(one) - timeOf(event)) < SAME_RESIZE_MS,
    );
  return events.filter((event) => {
    if (event.reason === 'HeadroomResizeConfirmed' || event.reason === 'ResizeStarted') return false;
    return event.reason !== 'ResizeCompleted' || !follows(event);
  });
}

function timeOf({ lastTimestamp, metadata }: KubeEvent): number {
  return Date.parse(lastTimestamp ?? metadata.creationTimestamp);
}

function getJson(agent: Agent, url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, timeout: REFRESH_MS * 5 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
        } catch (error) {
          reject(error);
        }
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.on('error', reject);
    outgoing.end();
  });
}
