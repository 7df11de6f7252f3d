// Turns at something of which only so many may go on at once: first come, first served, a bounded queue, a bounded wait.

export interface Turns {
  /** @returns whether the turn came within the time; then `end` has to be called */
  begin(timeoutMs: number): Promise<boolean>;
  end(): void;
}

export function createTurns(mostAtOnce: number, mostWaiting: number): Turns {
  let free = mostAtOnce;
  const waiting = new Set<() => void>();
  return {
    begin(timeoutMs) {
      if (free > 0) {
        free--;
        return Promise.resolve(true);
      }
      if (waiting.size >= mostWaiting || timeoutMs <= 0) return Promise.resolve(false);
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          waiting.delete(go);
          resolve(false);
        }, timeoutMs);
        const go = (): void => {
          clearTimeout(timer);
          resolve(true);
        };
        waiting.add(go);
      });
    },
    end() {
      for (const next of waiting) {
        waiting.delete(next);
        return next();
      }
      free++;
    },
  };
}
