// Pushes this node's reports to one aggregator: one regular batch in flight, each interval; shortages and first reports at once, on the same
// connection where it is free within a moment, and else beside it. After an outage one regular push brings the newest state and everything merged since.
// Each replica of an aggregator has a pusher of its own: replicas.ts.
import { BATCH_BINARY_V1, BATCH_JSON_V1, BATCH_PATH } from '../protocol/batch.ts';
import type { Batch } from '../protocol/batch.ts';
import { encodeBatch } from '../protocol/codec.ts';
import type { BatchMediaType } from '../protocol/codec.ts';
import { MAX_ROWS, MAX_SHORTAGES } from '../protocol/bounds.ts';
import { URGENT_FIRST } from '../protocol/reply.ts';
import type { Shortage } from '../protocol/shortage.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { TokenFile } from '../runtime/secret-files.ts';
import { ReportBuffers } from './report-columns.ts';
import type { Roster } from '../store/roster.ts';
import type { Row } from '../store/row.ts';
import type { Timers } from '../tick.ts';
import { answerOf } from './answer.ts';
import type { Answer } from './answer.ts';
import { backoffMs, untilBeatMs } from './backoff.ts';
import { Ledger } from './ledger.ts';
import type { Parcel } from './ledger.ts';
import type { Connection } from './post.ts';

export interface PusherParts {
  /** Where the roster keeps what this replica was not told yet. */
  readonly tallySlot: number;
  readonly url: string;
  readonly address: string;
  /** Opened anew after a failure, so that a rotated CA file is read again. @throws CodedError tls_file */
  readonly connect: () => Connection;
  readonly token: TokenFile;
  readonly node: Pick<Batch, 'node' | 'agentVersion' | 'bootId' | 'epoch'>;
  readonly roster: Roster;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  readonly intervalMs: number;
  /** Offset of this agent's beat: all its replicas are pushed to at once, or 100 ms later, and so get the same numbers; agents differ. */
  readonly phaseMs: number;
  readonly windowMs: number;
  readonly random: () => number;
  readonly onPushed: (figures: PushFigures) => void;
}

export interface PushFigures {
  readonly path: 'regular' | 'urgent';
  readonly outcome: Answer['kind'];
  readonly bytes: number;
  /** Time to cut and encode the batch. */
  readonly encodeMs: number;
  /** And of the thread's CPU time; NaN where nothing tells it. */
  readonly encodeCpuMs: number;
}

/** Re-sends within one push (409, 413, 415, lost races): more is a misbehaving receiver, left to the back-off. */
const MAX_RESENDS = 8;
const LEAST_ROWS = 16;
/** A shortage that lasts is said again each second: an older one is history. */
const SHORTAGE_KEPT_MS = 10_000;
/** A connection that is free in a moment spares both ends a new one's handshake, when they have least time. */
const AWAITED_MS = 100;

export class Pusher {
  readonly #parts: PusherParts;
  readonly #ledger: Ledger;
  readonly #buffers = new ReportBuffers();
  #connection: Connection | undefined;
  #mediaType: BatchMediaType = BATCH_BINARY_V1;
  #maxRows = MAX_ROWS;
  #cancel: () => void = () => {};
  #closed = false;
  #inFlight = 0;
  #onIdle: () => void = () => {};
  #busy = false;
  /** The regular batch that is on its way. */
  #regularPost: Promise<Answer> | undefined;
  #urgentBusy = false;
  #urgentRun: Promise<void> = Promise.resolve();
  #fencing: number | undefined;
  #pushSoon = false;
  #failures = 0;
  #problem = '';
  readonly #urgentRows = new Set<Row>();
  /** By ref and resource: the newest says it all. */
  readonly #shortages = new Map<string, Shortage>();

  constructor(parts: PusherParts) {
    this.#parts = parts;
    this.#ledger = new Ledger(parts.tallySlot, parts.roster);
  }

  /** '' while pushes are taken. */
  get problem(): string {
    return this.#problem;
  }

  /** Of the lease by which this replica acts on shortages, as its last answer told; undefined: it does not act, or failed. */
  get fencing(): number | undefined {
    return this.#fencing;
  }

  start(firstDelayMs: number): void {
    this.#schedule(firstDelayMs);
  }

  /** @returns when nothing is on its way any more, and what was not taken is back in the roster's tallies */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    this.#connection?.close();
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#ledger.close();
  }

  /**
   * Sends these at once: where a regular push is in flight, when that is answered, or beside it after 100 ms. Shortages without rows, or that
   * fail, and all that waits while the replica turns out not to act any more go with the next batch.
   * @returns when all that was urgent is answered, or failed
   */
  urgent(rows: Iterable<Row>, shortages: readonly Shortage[]): Promise<void> {
    for (const row of rows) this.#urgentRows.add(row);
    for (const shortage of shortages) this.#shortages.set(`${shortage.ref} ${shortage.resource}`, shortage);
    if (!this.#urgentBusy && !this.#closed) this.#urgentRun = this.#pushUrgent();
    return this.#urgentRun;
  }

  async #pushUrgent(): Promise<void> {
    this.#urgentBusy = true;
    try {
      while (this.#urgentRows.size > 0 && !this.#closed) {
        const acted = this.#fencing !== undefined;
        if (this.#regularPost) await this.#connectionFree(() => this.#regularPost);
        if (this.#closed) return;
        if (acted && this.#fencing === undefined && this.#shortages.size > 0) {
          // It is for others to act on them, as where this push had failed itself; all that is here goes with the next batch.
          this.#urgentRows.clear();
          return;
        }
        for (const { ref } of this.#shortages.values()) {
          const row = this.#parts.roster.get(ref);
          if (row) this.#urgentRows.add(row);
        }
        const rows = [...this.#urgentRows].filter((row) => this.#alive(row.identity.ref)).slice(0, MAX_ROWS);
        this.#urgentRows.clear();
        const answer = await this.#send(this.#ledger.urgent(rows), 'urgent');
        if (answer.kind === 'stored') continue;
        if (answer.kind === 'unknown_epoch') this.#pushAtOnce(); // a full batch makes the epoch known; the shortages go with it
        return;
      }
    } finally {
      this.#urgentBusy = false;
    }
  }

  /** @param inFlight what has the connection now, if anything; @returns when it is free, or after a while */
  async #connectionFree(inFlight: () => Promise<unknown> | undefined): Promise<void> {
    const { timers } = this.#parts;
    const endMs = timers.monotonicMs() + AWAITED_MS;
    for (let other = inFlight(); other && !this.#connection?.isFree; other = inFlight()) {
      const leftMs = endMs - timers.monotonicMs();
      if (leftMs <= 0) return;
      await this.#settledWithin(other, leftMs);
    }
  }

  #settledWithin(other: Promise<unknown>, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.timers.after(ms, resolve);
      void other.finally(() => {
        cancel();
        resolve();
      });
    });
  }

  #schedule(delayMs: number): void {
    if (this.#closed) return;
    this.#cancel();
    this.#cancel = this.#parts.timers.after(delayMs, () => void this.#push());
  }

  #pushAtOnce(): void {
    if (this.#busy) this.#pushSoon = true;
    else this.#schedule(0);
  }

  async #push(): Promise<void> {
    const { timers, intervalMs, phaseMs, random } = this.#parts;
    this.#busy = true;
    if (this.#urgentBusy) await this.#connectionFree(() => (this.#urgentBusy ? this.#urgentRun : undefined));
    if (this.#closed) return;
    this.#pushSoon = false;
    const taken = await this.#pushAll();
    this.#busy = false;
    this.#failures = taken ? 0 : this.#failures + 1;
    const soon = this.#pushSoon && taken;
    this.#pushSoon = false;
    if (!taken) this.#schedule(backoffMs(this.#failures, random()));
    else this.#schedule(soon ? 0 : untilBeatMs(timers.monotonicMs(), intervalMs, phaseMs));
  }

  /** Every row, in as few batches as the bounds allow. @returns whether all of it was taken */
  async #pushAll(): Promise<boolean> {
    let resends = 0;
    for (let lost = this.#ledger.unanswered(); lost !== undefined; lost = this.#ledger.unanswered()) {
      const answer = await this.#send(lost, 'regular');
      if (this.#closed || answer.kind === 'failed' || ++resends > MAX_RESENDS) return false;
    }
    const rows = this.#ledger.rows();
    for (let offset = 0; offset < rows.length && !this.#closed;) {
      const parcel = this.#ledger.regular(rows, offset, this.#maxRows);
      const answer = await this.#send(parcel, 'regular');
      if (answer.kind === 'stored') offset += parcel.rows.length;
      else if (answer.kind === 'unknown_epoch' && ++resends <= MAX_RESENDS) offset = 0;
      else if (answer.kind === 'failed' || ++resends > MAX_RESENDS) return false;
    }
    return true;
  }

  async #send(parcel: Parcel, path: PushFigures['path']): Promise<Answer> {
    const { timers, onPushed } = this.#parts;
    this.#dropOldShortages();
    const carried = new Map([...this.#shortages].slice(0, MAX_SHORTAGES));
    const [beganMs, beganCpuMs] = [timers.monotonicMs(), timers.threadCpuMs?.() ?? NaN];
    const body = encodeBatch(this.#batch(parcel, [...carried.values()]), this.#mediaType);
    const encodeMs = timers.monotonicMs() - beganMs;
    const encodeCpuMs = (timers.threadCpuMs?.() ?? NaN) - beganCpuMs;
    this.#inFlight++;
    const post = this.#post(body);
    if (path === 'regular') this.#regularPost = post;
    const answer = await post;
    if (path === 'regular') this.#regularPost = undefined;
    this.#settle(parcel, answer);
    if (--this.#inFlight === 0) this.#onIdle();
    if (answer.kind === 'stored') {
      for (const [key, sent] of carried) if (this.#shortages.get(key) === sent) this.#shortages.delete(key);
      this.#parts.roster.setNames(answer.reply.names);
    }
    this.#noteLeading(answer);
    this.#adapt(parcel, answer);
    this.#say(answer, parcel);
    onPushed({ path, outcome: answer.kind, bytes: body.length, encodeMs, encodeCpuMs });
    return answer;
  }

  #noteLeading(answer: Answer): void {
    if (answer.kind === 'stored')
      this.#fencing = answer.reply.directives.find(({ kind }) => kind === URGENT_FIRST)?.fencing;
    // Who does not know the node (any more) does not act for it.
    else if (answer.kind === 'failed' || answer.kind === 'unknown_epoch') this.#fencing = undefined;
  }

  #dropOldShortages(): void {
    const nowMs = this.#parts.clock.bootTimeMs();
    for (const [key, { ref, raisedBootMs }] of this.#shortages) {
      if (nowMs - raisedBootMs > SHORTAGE_KEPT_MS || !this.#alive(ref)) this.#shortages.delete(key);
    }
  }

  #batch(parcel: Parcel, shortages: readonly Shortage[]): Batch {
    const { node, roster, clock, windowMs } = this.#parts;
    const hasSwap = Number.isFinite(roster.get(0)?.sample.swapBytes);
    const { reports, histogram } = this.#buffers.columns(
      parcel.rows,
      windowMs,
      (row) => this.#ledger.tallyOf(parcel, row),
      hasSwap,
    );
    return {
      ...node,
      sequence: parcel.sequence,
      bootTimeMs: clock.bootTimeMs(),
      wallTimeMs: clock.wallTimeMs(),
      identities: parcel.identities,
      gone: parcel.gone,
      reports,
      histogram,
      shortages,
    };
  }

  async #post(body: Uint8Array): Promise<Answer> {
    try {
      this.#connection ??= this.#parts.connect();
      const headers = { 'content-type': this.#mediaType, authorization: `Bearer ${this.#parts.token.read()}` };
      return answerOf(await this.#connection.post(BATCH_PATH, headers, body));
    } catch (err) {
      return { kind: 'failed', reason: (err as Error).message, arrived: 'no' }; // no token, no CA file
    }
  }

  #settle(parcel: Parcel, answer: Answer): void {
    if (answer.kind === 'stored') this.#ledger.settle(parcel, 'stored');
    // A retry that is stale had arrived the first time; anything else that is stale was overtaken by an urgent batch.
    else if (answer.kind === 'stale' && parcel.retry) this.#ledger.settle(parcel, 'stored');
    else if (answer.kind === 'failed' && answer.arrived === 'unknown') this.#ledger.settle(parcel, 'unknown');
    else this.#ledger.settle(parcel, 'not stored');
  }

  #adapt(parcel: Parcel, answer: Answer): void {
    if (answer.kind === 'unknown_epoch') this.#ledger.forgetKnown();
    if (answer.kind === 'wants_json') this.#mediaType = BATCH_JSON_V1;
    if (answer.kind === 'too_large') this.#maxRows = Math.max(LEAST_ROWS, Math.ceil(parcel.rows.length / 2));
    // Another one in flight on it would fail too.
    if (answer.kind === 'failed' && this.#inFlight === 0) {
      this.#connection?.close();
      this.#connection = undefined;
    }
  }

  /** One line a change of state, not one a push. */
  #say(answer: Answer, parcel: Parcel): void {
    const { log, url, address } = this.#parts;
    const fields = { aggregator: url, address, seq: parcel.sequence, rows: parcel.rows.length };
    const problem = answer.kind === 'failed' ? answer.reason : '';
    if (problem !== '' && problem !== this.#problem) log.warn({ ...fields, reason: problem }, 'push failed');
    else if (answer.kind === 'stored' && this.#problem !== '') log.info(fields, 'push taken again');
    else if (answer.kind === 'unknown_epoch') log.info(fields, 'aggregator asks for all identities');
    else if (answer.kind === 'wants_json') log.info(fields, 'aggregator takes json only');
    else if (answer.kind === 'too_large')
      log.info({ ...fields, maxRows: this.#maxRows }, 'aggregator takes smaller batches');
    if (answer.kind === 'failed' || answer.kind === 'stored') this.#problem = problem;
  }

  #alive(ref: number): boolean {
    return this.#parts.roster.get(ref) !== undefined;
  }
}
