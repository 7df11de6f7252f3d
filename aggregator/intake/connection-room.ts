// How many connections a port holds at once. Whoever can reach it may open connections and say nothing: such strangers, oldest
// first, make room for newcomers, and never take the places of those whom a credential has vouched for. One credential vouches for few:
// who stole it must not take all places either.
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

export interface RoomOptions {
  readonly most: number;
  /** Of connections on which nobody was vouched for yet, handshakes that are not over included. */
  readonly mostStrangers: number;
}

export interface ConnectionRoom {
  /**
   * A credential that is good was shown on this connection. May be called again.
   * @param holder whose it is: beyond some connections of one holder they stay strangers. Left out: as many as it likes
   */
  vouched(socket: Socket, holder?: string): void;
  /** Of strangers that had to go. */
  readonly evicted: number;
}

/** An agent has one, two while it is replaced, and some that its node's network forgot to end. */
const MOST_OF_A_HOLDER = 16;

/** Follows the server's connections from before their handshake until they are closed. */
export function watchConnections(server: Server, { most, mostStrangers }: RoomOptions): ConnectionRoom {
  /** By peer; in the order they came. The socket below TLS is another object than the one a request has. */
  const strangers = new Map<string, Socket>();
  /** By peer, with the holder. */
  const known = new Map<string, string>();
  const held = new Map<string, number>();
  const done = new WeakSet<Socket>();
  let evicted = 0;
  const evictOldest = (): void => {
    for (const [peer, socket] of strangers) {
      strangers.delete(peer);
      evicted++;
      return void socket.destroy();
    }
  };
  const forget = (peer: string): void => {
    const holder = known.get(peer);
    if (holder === undefined) return;
    known.delete(peer);
    const left = (held.get(holder) ?? 0) - 1;
    if (left > 0) held.set(holder, left);
    else held.delete(holder);
  };
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    strangers.set(peer, socket);
    socket.once('close', () => {
      if (strangers.get(peer) !== socket) return forget(peer);
      strangers.delete(peer);
    });
    // Where everybody is known the newcomer itself is the oldest stranger.
    if (strangers.size > mostStrangers || strangers.size + known.size > most) evictOldest();
  });
  return {
    vouched(socket, holder = '') {
      const count = (held.get(holder) ?? 0) + 1;
      if (done.has(socket) || (holder !== '' && count > MOST_OF_A_HOLDER)) return;
      done.add(socket);
      const peer = peerOf(socket);
      if (!strangers.delete(peer)) return;
      known.set(peer, holder);
      held.set(holder, count);
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
