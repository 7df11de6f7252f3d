// undici's Agent and its `request`, which undici's index puts together: importing that index brings fetch, WebSocket, caches and
// mocks along, 8 MB of memory in a process of which only connections are wanted.
import type { Agent as UndiciAgent, Dispatcher } from 'undici';
import request from 'undici/lib/api/api-request.js';
import BareAgent from 'undici/lib/dispatcher/agent.js';

export interface Agent {
  request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>;
  /** After what is under way. */
  close(): Promise<void>;
  destroy(): Promise<void>;
}

export function createAgent(options: UndiciAgent.Options): Agent {
  const agent = new BareAgent(options);
  return {
    request: (given) => request.call(agent, given) as Promise<Dispatcher.ResponseData>,
    close: () => agent.close(),
    destroy: () => agent.destroy(),
  };
}
