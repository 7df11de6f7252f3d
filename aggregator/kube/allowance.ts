// Token bucket: `burst` at once, then `perSecond`.

export interface Allowance {
  /** Takes one if there is one. */
  take(nowMs: number): boolean;
}

export function createAllowance(burst: number, perSecond: number): Allowance {
  let left = burst;
  let filledMs: number | undefined;
  return {
    take(nowMs) {
      left = Math.min(burst, left + ((nowMs - (filledMs ?? nowMs)) / 1000) * perSecond);
      filledMs = nowMs;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
