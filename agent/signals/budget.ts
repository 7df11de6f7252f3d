// So many a second and no more: what containers can make the kernel say must not become the agent's CPU time.

const SECOND_MS = 1000;

/** @returns whether one more is within the budget of this second */
export function createBudget(perSecond: number): (nowMs: number) => boolean {
  let beganMs = -Infinity;
  let taken = 0;
  return (nowMs) => {
    if (nowMs - beganMs >= SECOND_MS || nowMs < beganMs) {
      beganMs = nowMs;
      taken = 0;
    }
    return taken++ < perSecond;
  };
}
