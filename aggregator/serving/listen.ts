// A server at its address, as Go servers of the cluster take `--bind-address`: an unspecified one is all addresses of the machine.
import type { AddressInfo, Server } from 'node:net';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import type { Logger } from '../../agent/runtime/logger.ts';

export interface ListenAt {
  /** `0.0.0.0` and `::` are both families where there are both, the one that there is elsewhere. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** That sets the port. */
  readonly flag: string;
  readonly log: Pick<Logger, 'warn'>;
}

const UNSPECIFIED = ['0.0.0.0', '::'];

/** @returns the port @throws CodedError port_in_use */
export function listen(server: Server, { host, port, flag, log }: ListenAt): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (err: NodeJS.ErrnoException): void => {
      const taken = err.code === 'EADDRINUSE' || err.code === 'EACCES';
      const cure = `can't listen on ${host}:${port} (${err.code}): stop what listens there or set --${flag}`;
      reject(taken ? new CodedError('port_in_use', cure, err) : err);
    };
    server.once('error', fail);
    server.listen({ port, ...(UNSPECIFIED.includes(host) ? {} : { host }) }, () => {
      server.off('error', fail);
      // A connection that could not be taken (no file descriptor left) is no reason to end.
      server.on('error', (err) => log.warn({ err, flag }, 'listener failed'));
      resolve((server.address() as AddressInfo).port);
    });
  });
}
