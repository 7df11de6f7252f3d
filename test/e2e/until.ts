// Waiting for what happens outside the test's own process: asked again and again, with an end.

/** @returns what the probe found @throws Error with the last thing that went wrong when the time is over */
export async function until<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 20_000,
  everyMs = 50,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`${what} did not happen within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** As `until`, for a probe that throws while it is not so yet: the last error is told. */
export async function eventually<T>(probe: () => T | Promise<T>, timeoutMs = 20_000, everyMs = 100): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() > endMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
