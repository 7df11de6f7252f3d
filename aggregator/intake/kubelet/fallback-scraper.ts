// Nodes without a living agent are scraped at their kubelets, so that Headroom can be installed node by node and an agent's
// death leaves no hole. Each node goes by itself: a slow kubelet delays nobody, the nodes are spread over the period.
import { setMaxListeners } from 'node:events';
import type { Logger } from '../../../agent/runtime/logger.ts';
import type { Receipt } from '../../store/row.ts';
import type { Scraped, ScrapeStored } from '../../store/scraped.ts';
import { CounterHistory } from './counter-history.ts';
import type { KubeletHttp, KubeletText } from './kubelet-http.ts';
import type { KubeletMetrics } from './kubelet-metrics.ts';
import type { KubeletNode } from './kubelet-node.ts';
import type { AddressRules } from './kubelet-url.ts';
import { kubeletUrl } from './kubelet-url.ts';
import { readResourceMetrics } from './resource-metrics.ts';
import { failed, failureOf } from './scrape-failure.ts';
import type { ScrapeFailure } from './scrape-failure.ts';
import type { KubeletState, Turn } from './turn.ts';
import { fallbackAfterMs, nextDue, WITH_AGENT } from './turn.ts';

export interface FallbackOptions {
  /** The store, as far as the fallback must know of it. */
  readonly store: {
    agentOf(node: string): { readonly heardMonoMs: number };
    acceptScrape(scraped: Scraped, receipt: Receipt): ScrapeStored;
  };
  readonly http: KubeletHttp;
  readonly rules: AddressRules;
  readonly metrics: KubeletMetrics;
  readonly resolutionMs: number;
  readonly stalenessMs: number;
  /** How long an agent that was never heard may take for its first push. */
  readonly graceMs: number;
  /** The store's clocks: monotonic, and Unix ms. */
  readonly clock: () => number;
  readonly wallMs: () => number;
  readonly log: Logger;
  readonly random?: () => number;
}

const TICK_MS = 1000;
/** A scrape takes some ms of a kubelet that is well; those that hang wait for their time-out beside the others. */
const MAX_UNDER_WAY = 64;
const MAX_NODES = 10_000;
/** Nodes that fall due together start spread, as metrics-server spreads its own round. */
const SPREAD_MS_A_NODE = 8;
const MOST_SPREAD_MS = 4000;

export class FallbackScraper {
  readonly #options: FallbackOptions;
  readonly #fallbackAfterMs: number;
  readonly #turns = new Map<string, Turn>();
  readonly #abort = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FallbackOptions) {
    this.#options = options;
    setMaxListeners(MAX_UNDER_WAY, this.#abort.signal);
    this.#fallbackAfterMs = fallbackAfterMs(options.stalenessMs, options.resolutionMs);
  }

  upsertNode(node: KubeletNode): void {
    const known = this.#turns.get(node.name);
    if (known !== undefined) known.node = node;
    else if (this.#turns.size < MAX_NODES) {
      const addedMonoMs = this.#options.clock();
      const blank = { dueMonoMs: NaN, underWay: false, history: undefined, state: WITH_AGENT };
      this.#turns.set(node.name, { node, addedMonoMs, ...blank });
    }
  }

  removeNode(name: string): void {
    if (this.#turns.delete(name)) this.#options.metrics.forgotten(name);
  }

  stateOf(name: string): KubeletState | undefined {
    return this.#turns.get(name)?.state;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#abort.abort();
    await Promise.all(this.#underWay);
    await this.#options.http.close();
  }

  /** Looks at every node once and starts the scrapes that are due. Called each second; tests call it themselves. */
  tick(): void {
    const now = this.#options.clock();
    const silent: Turn[] = [];
    const due: Turn[] = [];
    for (const turn of this.#turns.values()) {
      if (this.#hasAgent(turn, now)) this.#rest(turn);
      else if (Number.isNaN(turn.dueMonoMs)) silent.push(turn);
      else if (!turn.underWay && turn.dueMonoMs <= now) due.push(turn);
    }
    due.push(...this.#fallBack(silent, now));
    if (due.length === 0) return;
    due.sort((one, other) => one.dueMonoMs - other.dueMonoMs);
    for (const turn of due.slice(0, MAX_UNDER_WAY - this.#underWay.size)) this.#begin(turn);
  }

  /** Resolves when the scrapes that have begun are done. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #hasAgent(turn: Turn, now: number): boolean {
    const silentMs = now - this.#options.store.agentOf(turn.node.name).heardMonoMs;
    if (Number.isNaN(silentMs)) return now - turn.addedMonoMs < this.#options.graceMs;
    return silentMs < this.#fallbackAfterMs;
  }

  /** The agent is alive: what was scraped is forgotten, its points stay until the agent's come. */
  #rest(turn: Turn): void {
    if (Number.isNaN(turn.dueMonoMs)) return;
    turn.dueMonoMs = NaN;
    turn.history = undefined;
    turn.state = WITH_AGENT;
    this.#options.metrics.forgotten(turn.node.name);
    this.#options.log.info({ node: turn.node.name }, 'agent of node is alive: its kubelet is not scraped any more');
  }

  /** @returns those that are due at once */
  #fallBack(silent: readonly Turn[], now: number): readonly Turn[] {
    if (silent.length === 0) return [];
    const { random = Math.random, resolutionMs, log } = this.#options;
    const spreadMs = silent.length === 1 ? 0 : Math.min(SPREAD_MS_A_NODE * silent.length, MOST_SPREAD_MS);
    for (const turn of silent) {
      turn.dueMonoMs = now + random() * spreadMs;
      turn.history = new CounterHistory(resolutionMs);
      turn.state = { kind: 'due' };
    }
    log.info(
      { count: silent.length, node: silent[0]!.node.name },
      'nodes without a living agent: scraping their kubelets',
    );
    return silent.filter((turn) => turn.dueMonoMs <= now);
  }

  #begin(turn: Turn): void {
    turn.underWay = true;
    const scrape = this.#scrape(turn)
      .catch((err: unknown) => {
        if (!this.#abort.signal.aborted) this.#options.log.error({ err, node: turn.node.name }, 'scrape failed');
      })
      .finally(() => {
        const { clock, resolutionMs } = this.#options;
        turn.underWay = false;
        // NaN, if its agent came to life: stays.
        turn.dueMonoMs = nextDue(turn, resolutionMs, clock());
        this.#underWay.delete(scrape);
      });
    this.#underWay.add(scrape);
  }

  async #scrape(turn: Turn): Promise<void> {
    const { clock, wallMs, metrics, log } = this.#options;
    const { name } = turn.node;
    const { history } = turn;
    const beganMs = clock();
    const answer = await this.#ask(turn.node);
    const now = clock();
    metrics.requested(answer.kind === 'read');
    // Gone, or its agent has pushed meanwhile: what the kubelet says is no longer wanted.
    if (this.#turns.get(name) !== turn || turn.history !== history || this.#hasAgent(turn, now)) return;
    metrics.timed(name, (now - beganMs) / 1000, wallMs());
    const receipt = { monoMs: now, wallMs: wallMs() };
    turn.state =
      answer.kind === 'read' ? this.#take(turn, answer, receipt) : stateAfter(answer, turn.state, receipt.wallMs);
    if (turn.state.kind === 'failed') {
      const { reason, detail, failures } = turn.state;
      log.debug({ node: name, reason, detail, failures }, 'scrape of kubelet brought nothing');
    }
  }

  async #ask(node: KubeletNode): Promise<KubeletText | ScrapeFailure> {
    const { http, rules } = this.#options;
    const url = kubeletUrl(node, rules);
    if (url === undefined) {
      return failed('no_address', `no address matched types ${rules.preferredAddressTypes.join(',')}`);
    }
    try {
      return await http.get(url, this.#abort.signal);
    } catch (err) {
      if (this.#abort.signal.aborted) throw err;
      return failureOf(err);
    }
  }

  #take(turn: Turn, { text, nodeWallMs }: KubeletText, receipt: Receipt): KubeletState {
    const { store, log } = this.#options;
    const { name } = turn.node;
    const reading = readResourceMetrics(text);
    const taken = turn.history!.take(name, reading, receipt, nodeWallMs);
    if (reading.badLines > 0) log.debug({ node: name, count: reading.badLines }, 'lines of kubelet left out');
    if (taken.rates + taken.waiting === 0) {
      const detail = reading.saysError
        ? 'the kubelet could not read its own metrics'
        : 'no resource metrics in the answer';
      return stateAfter(failed('unreadable', detail), turn.state, receipt.wallMs);
    }
    const { stored, unknown } = store.acceptScrape(taken.scraped, receipt);
    log.debug({ node: name, stored, unknown }, 'kubelet scraped');
    if (taken.rates > 0) return { kind: 'scraped', atWallMs: receipt.wallMs };
    // No rate, since the kubelet has not read anything anew: what was there before still counts.
    return turn.state.kind === 'scraped' ? turn.state : { kind: 'first' };
  }
}

function stateAfter({ reason, detail }: ScrapeFailure, before: KubeletState, wallMs: number): KubeletState {
  const again = before.kind === 'failed' ? before : { failures: 0, sinceWallMs: wallMs };
  return { kind: 'failed', reason, detail, failures: again.failures + 1, sinceWallMs: again.sinceWallMs };
}
