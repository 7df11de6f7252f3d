// What the guest says to the host: one JSON object a line on its second serial port, nothing else on that port.
// The first port is the kernel's console, so that an oops or an OOM report never cuts a line in two.

export type GuestLine =
  | { readonly kind: 'progress'; readonly uptimeS: number; readonly text: string }
  | { readonly kind: 'result'; readonly name: string; readonly value: unknown }
  | { readonly kind: 'log'; readonly from: string; readonly text: string }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'end' };

const KINDS: readonly string[] = ['progress', 'result', 'log', 'failed', 'end'];

/** @returns undefined for a line that no guest program wrote: boot loader output, a torn line */
export function parseGuestLine(line: string): GuestLine | undefined {
  const start = line.indexOf('{"kind":"');
  if (start < 0) return undefined;
  try {
    const value = JSON.parse(line.slice(start)) as { kind?: unknown };
    return KINDS.includes(String(value.kind)) ? (value as GuestLine) : undefined;
  } catch {
    return undefined;
  }
}

/** Cuts a byte stream into lines; a serial port ends them with CR LF. */
export function lineCutter(onLine: (line: string) => void): (chunk: string) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line.replace(/\r$/, ''));
  };
}

export interface GuestAnswer {
  readonly results: ReadonlyMap<string, unknown>;
  readonly failures: readonly string[];
  readonly logs: readonly string[];
  /** The guest came to its own end; false: it was cut off by the deadline, a panic or qemu. */
  readonly ended: boolean;
}

export function answerOf(lines: readonly GuestLine[]): GuestAnswer {
  return {
    results: new Map(lines.flatMap((line) => (line.kind === 'result' ? [[line.name, line.value] as const] : []))),
    failures: lines.flatMap((line) => (line.kind === 'failed' ? [line.error] : [])),
    logs: lines.flatMap((line) => (line.kind === 'log' ? [`${line.from}: ${line.text}`] : [])),
    ended: lines.some((line) => line.kind === 'end'),
  };
}

/**
 * The guest's first process gives its program a deadline of its own and tells its status on the console: a guest that ended without
 * that, or with an oops, was failed by the machine and not by what ran in it.
 */
export function machineFailed(consoleText: string): boolean {
  return /\bOops\b|Kernel panic/.test(consoleText) || !/^scenario \S+ ended with \d+/m.test(consoleText);
}

/** How a line begins that says the kernel itself is wrong. Not the watchdogs' ("watchdog: BUG", "rcu: INFO"): they time a starved host. */
const COMPLAINT =
  /^(BUG: |WARNING: |Oops: |Kernel panic|kernel BUG at |general protection fault|list_(add|del) corruption|psi: trigger leak|RIP: 0010:)/;

/** @returns its lines without their times, once each, in the order of the console */
export function complaintsOf(consoleText: string): readonly string[] {
  const lines = consoleText.split('\n').map((line) => line.replace(/^\[ *[\d.]+\] /, '').trim());
  return [...new Set(lines.filter((line) => COMPLAINT.test(line)))];
}
