// The headers of each call, its token among them: read anew in the background, so that a call does not wait for a file.
type Headers = Record<string, string>;

/** Headers are asked for again at most this often: reading them may read files. */
const HEADERS_FRESH_MS = 5000;
/**
 * And until then they are used while they are asked for again: a patch should not wait for a file. A token is replaced minutes before it
 * ends. Longer than the time between two calls that keep connections warm.
 */
const HEADERS_KEPT_MS = 60_000;

export interface FreshHeaders {
  (): Promise<Headers>;
  /** After a 401: the token may have been replaced. */
  expire(): void;
}

/** @param askFor may throw what is then thrown to the caller that needs it @param nowMs monotonic @param afterwards runs it when the call is on its way */
export function freshHeaders(
  askFor: () => Promise<Headers>,
  nowMs: () => number = () => performance.now(),
  afterwards: (run: () => void) => void = setImmediate,
): FreshHeaders {
  let kept: Headers | undefined;
  let readMs = 0;
  let reading: Promise<Headers> | undefined;
  const ask = (): Promise<Headers> => {
    const asked = askFor();
    reading = asked;
    // One that was let go meanwhile may be of before.
    const done = (found?: Headers): void => {
      if (reading !== asked) return;
      reading = undefined;
      if (found === undefined) return;
      kept = found;
      readMs = nowMs();
    };
    asked.then(done, () => done());
    return asked;
  };
  const read = async (): Promise<Headers> => {
    const ageMs = nowMs() - readMs;
    if (kept && ageMs < HEADERS_FRESH_MS) return kept;
    if (!kept || ageMs >= HEADERS_KEPT_MS) return reading ?? ask();
    // What is wrong with it is told when it is needed.
    afterwards(() => void (reading ?? ask()));
    return kept;
  };
  const expire = (): void => {
    kept = undefined;
    reading = undefined;
  };
  return Object.assign(read, { expire });
}
