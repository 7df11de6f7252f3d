// The floor of the cluster bench: a bare node:https server that throws bodies away and answers as the push port does. What it takes
// with as many connections and as many pushes is what this runtime takes for any server, whatever it did with them.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface BareStart {
  readonly cert: string;
  readonly key: string;
}

const ANSWER = Buffer.from('{"accepted":1,"names":[],"directives":[]}');

process.on('message', (tls: BareStart) => {
  const server = createServer({ ...tls, keepAliveTimeout: 75_000 }, (request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length });
      response.end(ANSWER);
    });
  });
  server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }));
});
process.on('disconnect', () => process.exit(0));
