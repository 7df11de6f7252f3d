// Why <unknown>: looks through everything each 15 s, in slices, for the metric and the log; and at once when someone asks.
import type { Logger } from '../../agent/runtime/logger.ts';
import { createPacer } from '../api/pacer.ts';
import type { KubeletState } from '../intake/kubelet/turn.ts';
import type { PodRecord } from '../kube/records.ts';
import type { NodeGap, PodGap } from '../store/gaps.ts';
import type { HpaRecord } from './hpa-record.ts';
import type { HpaTargets } from './hpa-targets.ts';
import { createMissingLog } from './missing-log.ts';
import type { MissingLog } from './missing-log.ts';
import type { RefusedPushes } from './refused-pushes.ts';
import { whyHpa } from './why-hpa.ts';
import type { NodeKnowledge } from './why-node.ts';
import { whyNode } from './why-node.ts';
import { whyPod } from './why-pod.ts';
import { sayHpa, sayNode, sayPod } from './why-text.ts';
import type { HpaWhy, NodeWhy, PodWhy } from './why.ts';
import { reasonOf } from './why.ts';

export interface MissingOptions {
  /** The store, as far as the report must know of it. */
  readonly store: {
    nodeGaps(): Iterable<readonly NodeGap[]>;
    podGaps(namespace?: string): Iterable<readonly PodGap[]>;
    podRecords(namespace: string): Iterable<PodRecord>;
    agentOf(node: string): { readonly heardMonoMs: number; readonly skewMs: number };
  };
  /** Undefined: there is no fallback. */
  readonly kubeletOf: (node: string) => KubeletState | undefined;
  readonly refused: RefusedPushes;
  /** HPAs that show <unknown>; undefined: they can't be seen. */
  readonly unknownHpas: () => readonly HpaRecord[] | undefined;
  readonly targets: HpaTargets;
  /** The store's clocks: monotonic, and Unix ms. */
  readonly clock: () => number;
  readonly wallMs: () => number;
  readonly log: Logger;
}

export type MissingKind = 'node' | 'pod' | 'hpa';

/** How many of a kind lack metrics for a reason, at the last look. */
export interface MissingCount {
  readonly kind: MissingKind;
  readonly reason: string;
  readonly count: number;
}

/** What /debug/missing answers; `truncated` when there is more of it. */
export interface MissingAnswer {
  readonly at: string;
  readonly counts: readonly MissingCount[];
  readonly nodes: readonly ({ readonly node: string; readonly says: string } & NodeWhy)[];
  readonly pods: readonly ({ readonly namespace: string; readonly pod: string; readonly says: string } & PodWhy)[];
  /** As they were at the last look; 'unreadable' without the right to list HPAs. */
  readonly hpas:
    readonly { readonly namespace: string; readonly hpa: string; readonly why: readonly SaidHpaWhy[] }[] | 'unreadable';
  readonly truncated: boolean;
}

type SaidHpaWhy = HpaWhy & { readonly says: string };

interface HpaAbsence {
  readonly hpa: HpaRecord;
  readonly why: readonly HpaWhy[];
}

const PERIOD_MS = 15_000;
const DEFAULT_LIMIT = 500;
const MAX_LIMIT = 10_000;
/** Nothing is wrong with metrics where nothing runs: counted and told, not logged. */
const NOT_LOGGED: ReadonlySet<string> = new Set(['not_scheduled', 'container_not_started']);

export class MissingReport {
  readonly #options: MissingOptions;
  readonly #missingLog: MissingLog;
  readonly #abort = new AbortController();
  #counts: readonly MissingCount[] = [];
  #hpas: readonly HpaAbsence[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: MissingOptions) {
    this.#options = options;
    this.#missingLog = createMissingLog(options.log);
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.look().catch((err: unknown) => this.#options.log.error({ err }, 'look for missing metrics failed'));
    }, PERIOD_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#abort.abort();
    await this.#looking?.catch(() => undefined);
  }

  counts(): readonly MissingCount[] {
    return this.#counts;
  }

  /** One look through everything; one at a time. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** @param query `node`, `namespace`, `pod`: only these; `limit`: of nodes and of pods */
  answer(query: URLSearchParams): MissingAnswer {
    const { store, wallMs } = this.#options;
    const asked = Number(query.get('limit') ?? DEFAULT_LIMIT);
    const limit = asked >= 0 ? Math.min(Math.floor(asked), MAX_LIMIT) : DEFAULT_LIMIT;
    const [node, namespace, pod] = [query.get('node'), query.get('namespace'), query.get('pod')];
    const why = this.#judge();
    const nodes = firstOf(limit, store.nodeGaps(), (gap) => {
      if (namespace !== null || pod !== null || (node !== null && gap.record.name !== node)) return undefined;
      const found = why.node(gap);
      return { node: gap.record.name, says: sayNode(found), ...found };
    });
    const pods = firstOf(limit, store.podGaps(namespace ?? undefined), (gap) => {
      const { record } = gap;
      if ((node !== null && record.nodeName !== node) || (pod !== null && record.name !== pod)) return undefined;
      const found = why.pod(gap);
      return { namespace: record.namespace, pod: record.name, says: sayPod(found), ...found };
    });
    const isUnreadable = this.#options.unknownHpas() === undefined;
    const hpas = this.#hpas.filter(({ hpa }) => namespace === null || hpa.namespace === namespace).slice(0, limit);
    return {
      at: new Date(wallMs()).toISOString(),
      counts: this.#counts,
      nodes: nodes.found,
      pods: pods.found,
      hpas: isUnreadable ? 'unreadable' : hpas.map(sayAbsence),
      truncated: nodes.truncated || pods.truncated,
    };
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#options;
    const tally = new Tally();
    const pacer = createPacer();
    const round = this.#missingLog.round(clock());
    const why = this.#judge();
    for (const gaps of store.nodeGaps()) {
      for (const gap of gaps) {
        const found = why.node(gap);
        const reason = tally.count('node', found);
        round.seen({ kind: 'node', name: gap.record.name, reason, says: () => sayNode(found) });
      }
      if (pacer.due()) await pacer.rest();
    }
    for (const gaps of store.podGaps()) {
      for (const gap of gaps) {
        const found = why.pod(gap);
        const reason = tally.count('pod', found);
        // The node's line says it for all its pods.
        if (found.reason === 'node' || NOT_LOGGED.has(reason)) continue;
        const name = `${gap.record.namespace}/${gap.record.name}`;
        round.seen({ kind: 'pod', name, reason, says: () => sayPod(found) });
      }
      if (pacer.due()) await pacer.rest();
    }
    this.#hpas = await this.#lookAtHpas();
    for (const { hpa, why: found } of this.#hpas) {
      const [first] = found;
      if (first === undefined) continue;
      const reason = tally.count('hpa', first);
      const says = (): string => found.map(sayHpa).join('; ');
      round.seen({ kind: 'hpa', name: `${hpa.namespace}/${hpa.name}`, reason, says });
    }
    round.end();
    this.#counts = tally.counts();
  }

  async #lookAtHpas(): Promise<readonly HpaAbsence[]> {
    const { unknownHpas, targets, store } = this.#options;
    const hpas = unknownHpas() ?? [];
    if (hpas.length === 0) return [];
    await targets.refresh(hpas, this.#abort.signal);
    const pacer = createPacer();
    const absences: HpaAbsence[] = [];
    let gaps: { readonly namespace: string; readonly byUid: ReadonlyMap<string, PodWhy> } | undefined;
    for (const hpa of hpas.toSorted((one, other) => (one.namespace < other.namespace ? -1 : 1))) {
      if (gaps?.namespace !== hpa.namespace) gaps = this.#gapsIn(hpa.namespace);
      const { byUid } = gaps;
      const selection = targets.select(hpa, (namespace) => store.podRecords(namespace));
      absences.push({ hpa, why: whyHpa(hpa, selection, ({ uid }) => byUid.get(uid)) });
      if (pacer.due()) await pacer.rest();
    }
    return absences;
  }

  #gapsIn(namespace: string): { readonly namespace: string; readonly byUid: ReadonlyMap<string, PodWhy> } {
    const why = this.#judge();
    const byUid = new Map<string, PodWhy>();
    for (const gaps of this.#options.store.podGaps(namespace)) {
      for (const gap of gaps) byUid.set(gap.record.uid, why.pod(gap));
    }
    return { namespace, byUid };
  }

  /** Reasons as of now; what is known of a node is gathered once. */
  #judge(): { node(gap: NodeGap): NodeWhy; pod(gap: PodGap): PodWhy } {
    const { store, kubeletOf, refused, clock, wallMs } = this.#options;
    const [nowMonoMs, nowWallMs] = [clock(), wallMs()];
    const known = new Map<string, NodeKnowledge>();
    const of = (node: string): NodeKnowledge => {
      let knowledge = known.get(node);
      if (knowledge === undefined) {
        const { heardMonoMs, skewMs } = store.agentOf(node);
        const push = refused.of(node, nowWallMs);
        knowledge = { silentMs: nowMonoMs - heardMonoMs, skewMs, kubelet: kubeletOf(node), refused: push };
        known.set(node, knowledge);
      }
      return knowledge;
    };
    return {
      node: ({ record, gap }) => whyNode(of(record.name), gap, nowWallMs),
      pod: (gap) => whyPod(gap, of, nowWallMs),
    };
  }
}

class Tally {
  readonly #counts = new Map<string, { kind: MissingKind; reason: string; count: number }>();

  /** @returns the reason that it is counted under */
  count(kind: MissingKind, why: NodeWhy | PodWhy | HpaWhy): string {
    const reason = reasonOf(why);
    const one = this.#counts.get(`${kind} ${reason}`);
    if (one === undefined) this.#counts.set(`${kind} ${reason}`, { kind, reason, count: 1 });
    else one.count++;
    return reason;
  }

  counts(): readonly MissingCount[] {
    return [...this.#counts.values()];
  }
}

function sayAbsence({ hpa, why }: HpaAbsence): { namespace: string; hpa: string; why: readonly SaidHpaWhy[] } {
  const said = why.map((one) => Object.assign({ says: sayHpa(one) }, one));
  return { namespace: hpa.namespace, hpa: hpa.name, why: said };
}

/** The first `limit` that `make` makes something of, and whether there is more. */
function firstOf<Gap, Made>(
  limit: number,
  steps: Iterable<readonly Gap[]>,
  make: (gap: Gap) => Made | undefined,
): { readonly found: readonly Made[]; readonly truncated: boolean } {
  const found: Made[] = [];
  for (const gaps of steps) {
    for (const gap of gaps) {
      const made = make(gap);
      if (made === undefined) continue;
      if (found.length === limit) return { found, truncated: true };
      found.push(made);
    }
  }
  return { found, truncated: false };
}
