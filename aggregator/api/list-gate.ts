// How many big lists are made and sent at once: each holds some 10 MB of answer until its client has taken it.

const MAX_BIG_LISTS = 4;

export interface ListGate {
  /** @returns a function that leaves the gate, or undefined when it is full */
  enter(): (() => void) | undefined;
}

export function createListGate(limit = MAX_BIG_LISTS): ListGate {
  let inside = 0;
  return {
    enter() {
      if (inside >= limit) return undefined;
      inside++;
      let left = false;
      return () => {
        if (!left) inside--;
        left = true;
      };
    },
  };
}
