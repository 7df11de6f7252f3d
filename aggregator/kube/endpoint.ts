// Where an API server is and how to speak to it.

export interface KubeTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface KubeEndpoint {
  /** Scheme, host, port and base path, without a slash at the end. */
  readonly server: string;
  readonly tls: KubeTls;
  /** Of the pod's service account, or of the kubeconfig's context; undefined: neither says. */
  readonly namespace: string | undefined;
  /** Authorization and impersonation as they are now; reads files at times. */
  headers(): Promise<Readonly<Record<string, string>>>;
}
