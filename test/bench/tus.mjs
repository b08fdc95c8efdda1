// The tus peer: @tus/server with its file store on node:http. It serves its page too, so
// that both have one origin and no proxy is between them. Prints its address; exits when
// its standard input ends.
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';

const directory = process.argv[2];
const tus = new Server({ path: '/files', datastore: new FileStore({ directory }) });

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const pages = {
  '/': ['text/html; charset=utf-8', here('pages/tus.html')],
  '/tus.js': ['text/javascript; charset=utf-8', here('pages/tus.js')],
  '/tus.min.js': ['text/javascript; charset=utf-8', here('node_modules/tus-js-client/dist/tus.min.js')],
};

const server = createServer((request, response) => {
  const page = pages[request.url];
  if (!page) {
    tus.handle(request, response);
    return;
  }
  response.setHeader('Content-Type', page[0]);
  createReadStream(page[1]).pipe(response);
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.on('end', () => process.exit(0)).resume();
