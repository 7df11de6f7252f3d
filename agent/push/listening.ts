// Whether something accepts TCP connections at the port of a URL, at any address of its host. Nothing is sent.
import { connect } from 'node:net';

const CONNECT_MS = 2000;

/** @param resolve addresses of a host name @throws when it can't be resolved */
export async function isListening(
  url: string,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const addresses = await resolve(hostname.replace(/^\[(.*)\]$/, '$1'));
  const answers = await Promise.all(addresses.map((address) => accepts(address, Number(port) || (protocol === 'https:' ? 443 : 80)))); // prettier-ignore
  return answers.includes(true);
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect({ host, port });
    const end = (is: boolean) => (): void => {
      socket.destroy();
      settle(is);
    };
    socket.setTimeout(CONNECT_MS, end(false));
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}
