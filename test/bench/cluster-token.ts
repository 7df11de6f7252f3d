// The agents' tokens: as long as a projected ServiceAccount token, with its claims, and signed by nobody. The fake API server
// believes them; what the aggregator has to do with a token costs what it costs with a real one.

export const SERVICE_ACCOUNT = ['headroom-system', 'headroom-agent'] as const;

interface Claims {
  readonly exp: number;
  readonly 'kubernetes.io': { readonly node: { readonly name: string } };
}

const SIGNATURE = 'c2lnbmVkLWJ5LW5vYm9keS1hdC1hbGw'.repeat(11);

export function agentToken(node: string): string {
  const [namespace, name] = SERVICE_ACCOUNT;
  const nowS = Math.floor(Date.now() / 1000);
  const claims = {
    aud: ['headroom'],
    exp: nowS + 3600,
    iat: nowS,
    iss: 'https://kubernetes.default.svc.cluster.local',
    jti: 'b5a0c8a2-6a3c-4c4e-9a3e-0e0e5a1b2c3d',
    'kubernetes.io': {
      namespace,
      node: { name: node, uid: '6f9a3c1e-2b52-4d0e-9a4e-0d7f2f1f7b11' },
      pod: { name: `headroom-agent-${node.slice(7, 11)}`, uid: '1c5f7a9e-3b5d-4f7a-9c1e-3b5d7f9a1c3e' },
      serviceaccount: { name, uid: 'a7d5b9a4-0c44-4a7e-9d3b-5a2f1a7c0e11' },
    },
    nbf: nowS,
    sub: `system:serviceaccount:${namespace}:${name}`,
  };
  return `${encoded({ alg: 'RS256', kid: 'bench' })}.${encoded(claims)}.${SIGNATURE}`;
}

export function tokenClaims(token: string): Claims | undefined {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims;
  } catch {
    return undefined;
  }
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
