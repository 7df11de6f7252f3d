// What the containers of generated nodes use: a total divided over the running pods that a rule names, as a load balancer would.
import type { Load } from './generated-cgroups.ts';

export interface LoadRule {
  readonly namespace: string;
  /** Labels that a pod must have. */
  readonly labels: Readonly<Record<string, string>>;
  /** Unset: each container of the pod. */
  readonly container?: string;
  /** For all pods together; unset: what an idle container uses. */
  readonly cpuCores?: number;
  readonly memoryBytes?: number;
}

export interface LoadedContainer {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly container: string;
}

const IDLE: Load = { cpuCores: 0.001, memoryBytes: 8 * 1024 * 1024 };

export class LoadRules {
  readonly #rules = new Map<string, LoadRule>();
  readonly #running = new Set<LoadedContainer>();

  /** Replaces the rule of that name. */
  set(name: string, rule: LoadRule): void {
    this.#rules.set(name, rule);
  }

  /** @returns ends it */
  running(container: LoadedContainer): () => void {
    this.#running.add(container);
    return () => void this.#running.delete(container);
  }

  of(container: LoadedContainer): Load {
    const rule = [...this.#rules.values()].find((each) => applies(each, container));
    if (!rule) return IDLE;
    let sharers = 0;
    for (const each of this.#running) if (applies(rule, each)) sharers++;
    const share = (total: number | undefined, idle: number): number => (total === undefined ? idle : total / sharers);
    return {
      cpuCores: share(rule.cpuCores, IDLE.cpuCores),
      memoryBytes: share(rule.memoryBytes, IDLE.memoryBytes),
    };
  }
}

function applies(rule: LoadRule, { namespace, labels, container }: LoadedContainer): boolean {
  if (rule.namespace !== namespace || (rule.container ?? container) !== container) return false;
  return Object.entries(rule.labels).every(([key, value]) => labels[key] === value);
}
