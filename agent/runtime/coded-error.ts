// Errors that an operator or a client can act on. Everything else that is thrown is a bug or plain I/O.

/**
 * - `bad_flag`: a command line that can't be used.
 * - `no_cgroup2`: no cgroup2 mount where one was asked for.
 * - `port_in_use`: a listener's address is taken.
 * - `tls_file`: a certificate, key or CA file is missing or unreadable.
 * - `token_file`: a token file is missing, unreadable or empty.
 * - `kubeconfig`: the kubeconfig can't be written or read.
 * - `decode`: a batch that breaks the protocol (agent/protocol).
 * - `kube_status`: the Kubernetes API refused a request.
 * - `role_failed`: a process that `npm start` started ended at its start; the message is its own.
 */
export type ErrorCode =
  | 'bad_flag'
  | 'no_cgroup2'
  | 'port_in_use'
  | 'tls_file'
  | 'token_file'
  | 'kubeconfig'
  | 'decode'
  | 'kube_status'
  | 'role_failed';

export class CodedError extends Error {
  readonly code: ErrorCode;

  /** `message` says what the operator can do; `cause` is the error underneath, if there is one. */
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CodedError';
    this.code = code;
  }
}
