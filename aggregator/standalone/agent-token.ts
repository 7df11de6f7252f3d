// The agent's projected token, as the kubelet keeps it: in a file, for our audience, bound to the node, renewed when four fifths of
// its time are over.
import type { TokenAuthority } from './api/account-tokens.ts';
import type { Instance } from './instance.ts';
import { AGENT_ACCOUNT } from './cluster-objects.ts';
import { SYSTEM_NAMESPACE } from './roles.ts';

export interface AgentTokenParts {
  readonly tokens: TokenAuthority;
  readonly instance: Pick<Instance, 'writeSecret'>;
  readonly node: { readonly name: string; readonly uid: string };
  /** Of the ServiceAccount. */
  readonly accountUid: string;
  readonly audience: string;
  /** A renewal that fails is tried again soon. */
  readonly onError: (error: unknown) => void;
}

export interface ProjectedToken {
  readonly file: string;
  close(): void;
}

const LIFETIME_S = 3600;
const RENEW_MS = LIFETIME_S * 1000 * 0.8;
const RETRY_MS = 60_000;

/** @throws CodedError kubeconfig where the file can't be written */
export function projectAgentToken(parts: AgentTokenParts): ProjectedToken {
  const { tokens, instance, node, accountUid, audience, onError } = parts;
  const write = (): string => {
    const { token } = tokens.mint({
      namespace: SYSTEM_NAMESPACE,
      serviceAccount: { name: AGENT_ACCOUNT, uid: accountUid },
      audiences: [audience],
      lifetimeS: LIFETIME_S,
      node,
    });
    return instance.writeSecret('agent-token', token);
  };
  const file = write();
  let timer: NodeJS.Timeout;
  const renewIn = (ms: number): void => {
    timer = setTimeout(() => {
      try {
        write();
        renewIn(RENEW_MS);
      } catch (error) {
        onError(error);
        renewIn(RETRY_MS);
      }
    }, ms).unref();
  };
  renewIn(RENEW_MS);
  return { file, close: () => clearTimeout(timer) };
}
