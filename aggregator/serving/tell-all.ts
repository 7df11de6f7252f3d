// A new pair to everyone who serves with it; one that can't take it does not keep it from the others.
import type { Logger } from '../../agent/runtime/logger.ts';
import type { KeyPair } from './key-pair.ts';

export function tellAll(listeners: readonly ((pair: KeyPair) => void)[], pair: KeyPair, log: Logger): void {
  for (const listener of listeners) {
    try {
      listener(pair);
    } catch (err) {
      log.error({ err }, 'a server did not take the new certificate');
    }
  }
}
