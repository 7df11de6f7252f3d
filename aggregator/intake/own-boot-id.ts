// /proc/sys/kernel/random/boot_id of this machine: an agent's batch with the same one comes from the same boot.
import { readFileSync } from 'node:fs';

/** @returns undefined on a system without one, which has no agents either */
export function readOwnBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return undefined;
  }
}
