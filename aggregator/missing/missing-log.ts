// One line when something has been without metrics for a while, one when the reason changes, one when it is over. Bounded in what
// is remembered and in what is said at once: an outage of a thousand nodes is no thousand lines.
import type { Logger } from '../../agent/runtime/logger.ts';

export interface Absence {
  readonly kind: 'node' | 'pod' | 'hpa';
  /** "name" or "namespace/name". */
  readonly name: string;
  readonly reason: string;
  readonly says: () => string;
}

export interface MissingLog {
  /** All that is missing now, in rounds; what was seen in the round before and is not now is over. */
  round(nowMonoMs: number): Round;
}

export interface Round {
  seen(absence: Absence): void;
  end(): void;
}

interface Known {
  readonly kind: Absence['kind'];
  reason: string;
  sinceMonoMs: number;
  /** The reason was; and anything at all was. */
  logged: boolean;
  told: boolean;
  round: number;
}

/** Start-ups and roll-outs are over by then. */
const SETTLED_MS = 30_000;
const MAX_KNOWN = 20_000;
const MAX_LINES_A_ROUND = 50;

export function createMissingLog(log: Logger): MissingLog {
  const known = new Map<string, Known>();
  let number = 0;
  return {
    round(nowMonoMs) {
      number++;
      let left = MAX_LINES_A_ROUND;
      let unsaid = 0;
      const say = (line: () => void): boolean => {
        if (left === 0) {
          unsaid++;
          return false;
        }
        left--;
        line();
        return true;
      };
      return {
        seen({ kind, name, reason, says }) {
          const key = `${kind} ${name}`;
          const one = known.get(key);
          if (one === undefined) {
            if (known.size < MAX_KNOWN)
              known.set(key, { kind, reason, sinceMonoMs: nowMonoMs, logged: false, told: false, round: number });
            return;
          }
          one.round = number;
          if (one.reason !== reason) Object.assign(one, { reason, sinceMonoMs: nowMonoMs, logged: false });
          if (one.logged || nowMonoMs - one.sinceMonoMs < SETTLED_MS) return;
          // What is not said for want of room is said in a later round, if it lasts.
          if (say(() => log.warn({ kind, [kind]: name, reason, detail: says() }, 'metrics missing')))
            one.logged = one.told = true;
        },
        end() {
          for (const [key, { kind, round, told }] of known) {
            if (round === number) continue;
            known.delete(key);
            const name = key.slice(kind.length + 1);
            if (told) say(() => log.info({ kind, [kind]: name }, 'metrics no longer missing'));
          }
          if (unsaid > 0) log.warn({ count: unsaid }, 'more changes of missing metrics than are logged at once');
        },
      };
    },
  };
}
