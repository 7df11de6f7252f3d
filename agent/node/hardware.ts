// What the machine is: a label for the node's object and the debug page. systeminformation reads /proc and /sys and may start
// programs, so it is loaded and asked once, lazily, never in steady state, and not waited for longer than a bound.
export interface Hardware {
  /** '' where the machine does not say. */
  readonly cpuModel: string;
  /** Logical CPUs. */
  readonly cores: number;
  readonly vendor: string;
  readonly product: string;
}

/** `absent`: it failed or took too long; the reason is for a log line. */
export type HardwareReading =
  { readonly kind: 'hardware'; readonly hardware: Hardware } | { readonly kind: 'absent'; readonly reason: string };

const TIMEOUT_MS = 5000;

/** The two questions of systeminformation that are asked. */
export interface HardwareSource {
  cpu(): Promise<{ readonly brand: string; readonly cores: number }>;
  system(): Promise<{ readonly manufacturer: string; readonly model: string }>;
}

let asked: Promise<HardwareReading> | undefined;

/** Asks on the first call; later calls get the same answer. Never rejects. */
export function hardware(): Promise<HardwareReading> {
  asked ??= readHardware(() => import('systeminformation'));
  return asked;
}

/** @param load gives the source; `hardware()` loads systeminformation */
export async function readHardware(
  load: () => Promise<HardwareSource>,
  timeoutMs: number = TIMEOUT_MS,
): Promise<HardwareReading> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<HardwareReading>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'absent', reason: `no answer within ${timeoutMs} ms` }), timeoutMs);
    timer.unref();
  });
  try {
    return await Promise.race([ask(load), late]);
  } catch (err) {
    return { kind: 'absent', reason: (err as Error).message };
  } finally {
    clearTimeout(timer);
  }
}

async function ask(load: () => Promise<HardwareSource>): Promise<HardwareReading> {
  const source = await load();
  const [cpu, system] = await Promise.all([source.cpu(), source.system()]);
  return {
    kind: 'hardware',
    hardware: { cpuModel: cpu.brand, cores: cpu.cores, vendor: system.manufacturer, product: system.model },
  };
}
