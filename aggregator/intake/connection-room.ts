// How many connections a port holds at once. Whoever can reach it may open connections and say nothing: such strangers, oldest
// first, make room for newcomers, and never take the places of those whom a credential has vouched for.
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

export interface RoomOptions {
  readonly most: number;
  /** Of connections on which nobody was vouched for yet, handshakes that are not over included. */
  readonly mostStrangers: number;
}

export interface ConnectionRoom {
  /** A credential that is good was shown on this connection. May be called again. */
  vouched(socket: Socket): void;
  /** Of strangers that had to go. */
  readonly evicted: number;
}

/** Follows the server's connections from before their handshake until they are closed. */
export function watchConnections(server: Server, { most, mostStrangers }: RoomOptions): ConnectionRoom {
  /** By peer; in the order they came. The socket below TLS is another object than the one a request has. */
  const strangers = new Map<string, Socket>();
  const known = new Set<string>();
  const done = new WeakSet<Socket>();
  let evicted = 0;
  const evictOldest = (): void => {
    for (const [peer, socket] of strangers) {
      strangers.delete(peer);
      evicted++;
      return void socket.destroy();
    }
  };
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    strangers.set(peer, socket);
    socket.once('close', () => {
      if (strangers.get(peer) !== socket) return void known.delete(peer);
      strangers.delete(peer);
    });
    // Where everybody is known the newcomer itself is the oldest stranger.
    if (strangers.size > mostStrangers || strangers.size + known.size > most) evictOldest();
  });
  return {
    vouched(socket) {
      if (done.has(socket)) return;
      done.add(socket);
      const peer = peerOf(socket);
      if (strangers.delete(peer)) known.add(peer);
    },
    get evicted() {
      return evicted;
    },
  };
}

/** No two open connections of a port have the same. */
function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
