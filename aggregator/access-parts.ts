// Who may ask the metrics API and who may push, put together from the flags: trust in certificates, reviews, their caches.
// Contract: the delegating authentication and authorization of k8s.io/apiserver, as metrics-server has them.
import type { Clock } from '../agent/runtime/clock.ts';
import type { Logger } from '../agent/runtime/logger.ts';
import type { Admit } from './api/access.ts';
import { createAdmit } from './api/access.ts';
import { createIdentify } from './api/identity.ts';
import type { AggregatorFlags } from './flags.ts';
import type { AgentIdentities } from './intake/agent-identity.ts';
import { createAgentIdentities } from './intake/agent-identity.ts';
import { createAccessReview } from './kube/access-review.ts';
import { USUAL_HEADERS } from './kube/client-trust.ts';
import type { KubeHttp } from './kube/http.ts';
import { createReview } from './kube/review.ts';
import { createTokenReview } from './kube/token-review.ts';
import type { TrustFiles, WatchedTrust } from './kube/watch-trust.ts';
import { watchTrust } from './kube/watch-trust.ts';

export interface AccessParts {
  readonly flags: AggregatorFlags;
  /** For the watch of the ConfigMap. */
  readonly http: KubeHttp;
  /** For reviews alone: a thousand agents that come back must keep no resize waiting for a connection. */
  readonly reviews: KubeHttp;
  readonly clock: Clock;
  readonly log: Logger;
  /** A request to the metrics API was not let in. */
  readonly onRefused: (status: number) => void;
}

export interface Access {
  readonly trust: WatchedTrust;
  readonly admit: Admit;
  readonly agents: AgentIdentities;
}

/** Under the 10 s that an agent waits for the answer to a push. */
const PUSH_REVIEW_TIMEOUT_MS = 5000;
/** As many as there may be connections: all agents may come back at once. */
const MOST_WAITING_PUSHES = 12_000;

/** @throws CodedError tls_file, bad_flag */
export function startAccess({ flags, http, reviews, clock, log, onRefused }: AccessParts): Access {
  const monoMs = (): number => clock.bootTimeMs();
  const wallMs = (): number => clock.wallTimeMs();
  const review = createReview({ http: reviews, log });
  const pushReview = createReview({
    http: reviews,
    log,
    timeoutMs: PUSH_REVIEW_TIMEOUT_MS,
    mostWaiting: MOST_WAITING_PUSHES,
    // The agent itself comes again.
    attempts: 1,
  });
  const audience = flags['push-audience'];
  const trust = watchTrust({ files: trustFiles(flags), http, clock, log });
  return {
    trust,
    admit: createAdmit({
      identify: createIdentify({
        trust,
        reviewToken: createTokenReview(review),
        tokenTtlMs: flags['authentication-token-webhook-cache-ttl'],
        monoMs,
        wallMs,
      }),
      reviewAccess: createAccessReview(review),
      alwaysAllowPaths: flags['authorization-always-allow-paths'],
      authorizedTtlMs: flags['authorization-webhook-cache-authorized-ttl'],
      unauthorizedTtlMs: flags['authorization-webhook-cache-unauthorized-ttl'],
      monoMs,
      onRefused: (code, reason, path) => {
        onRefused(code);
        log.debug({ code, reason, path }, 'request refused');
      },
    }),
    agents: createAgentIdentities({
      reviewToken: createTokenReview(pushReview, audience),
      audience,
      serviceAccount: flags['push-service-account'],
      monoMs,
      wallMs,
    }),
  };
}

/** Header names that no flag gives are kube-apiserver's usual ones. */
function trustFiles(flags: AggregatorFlags): TrustFiles {
  const caFile = flags['requestheader-client-ca-file'];
  return {
    clientCaFile: flags['client-ca-file'],
    frontProxy:
      caFile === undefined
        ? undefined
        : {
            caFile,
            allowedNames: flags['requestheader-allowed-names'],
            usernameHeaders: orUsual(flags['requestheader-username-headers'], USUAL_HEADERS.usernameHeaders),
            uidHeaders: USUAL_HEADERS.uidHeaders,
            groupHeaders: orUsual(flags['requestheader-group-headers'], USUAL_HEADERS.groupHeaders),
            extraHeaderPrefixes: orUsual(
              flags['requestheader-extra-headers-prefix'],
              USUAL_HEADERS.extraHeaderPrefixes,
            ),
          },
  };
}

function orUsual(names: readonly string[], usual: readonly string[]): readonly string[] {
  return names.length === 0 ? usual : names.map((name) => name.toLowerCase());
}
