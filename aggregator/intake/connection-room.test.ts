import { EventEmitter } from 'node:events';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { watchConnections } from './connection-room.ts';

class FakeSocket extends EventEmitter {
  readonly remoteAddress = '10.0.0.1';
  readonly remotePort: number;
  isOpen = true;

  constructor(remotePort: number) {
    super();
    this.remotePort = remotePort;
  }

  destroy(): void {
    this.isOpen = false;
    this.emit('close');
  }
}

function setUp(most: number, mostStrangers: number) {
  const server = new EventEmitter();
  const room = watchConnections(server as unknown as Server, { most, mostStrangers });
  let port = 0;
  const connect = (holder?: string): FakeSocket => {
    const socket = new FakeSocket(++port);
    server.emit('connection', socket);
    if (holder !== undefined) room.vouched(socket as unknown as Socket, holder);
    return socket;
  };
  return { room, connect };
}

it('leaves the places of all nodes but one to them, whatever one node’s credential opens', () => {
  const { connect } = setUp(40, 20);
  const other = connect('n2');
  const greedy = Array.from({ length: 100 }, () => connect('n1'));
  expect(greedy.filter(({ isOpen }) => isOpen)).toHaveLength(16 + 20);
  expect(other.isOpen).toBe(true);
  const late = connect('n3');
  for (let more = 0; more < 30; more++) connect('n1');
  expect([late.isOpen, other.isOpen]).toEqual([true, true]);
});

it('counts a holder’s connections that are open, not those that were', () => {
  const { connect, room } = setUp(40, 1);
  for (let more = 0; more < 100; more++) connect('n1').destroy();
  const last = connect('n1');
  connect();
  connect();
  expect([last.isOpen, room.evicted]).toEqual([true, 1]);
});

it('sets no bound to those of whom no holder is told', () => {
  const { connect } = setUp(40, 1);
  const all = Array.from({ length: 39 }, () => connect(''));
  connect();
  connect();
  expect(all.every(({ isOpen }) => isOpen)).toBe(true);
});
