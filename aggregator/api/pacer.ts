// Long work in slices, so that pushes and urgent shortages get their turn while a big list is made.
import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 5;

export interface Pacer {
  /** Whether this slice is used up: then await `rest`. */
  due(): boolean;
  rest(): Promise<void>;
}

export function createPacer(): Pacer {
  let startedMs = performance.now();
  return {
    due: () => performance.now() - startedMs > SLICE_MS,
    async rest() {
      await nextTurn();
      startedMs = performance.now();
    },
  };
}
