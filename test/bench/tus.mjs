// The tus and Uppy peers: @tus/server with its file store on node:http. It serves their pages too, so
// that all have one origin and no proxy is between them. Prints its address; exits when
// its standard input ends.
import { createReadStream, createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';

const directory = process.argv[2];
const tus = new Server({ path: '/files', datastore: new FileStore({ directory }) });

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const pages = {
  '/': ['text/html; charset=utf-8', here('pages/tus.html')],
  '/tus.js': ['text/javascript; charset=utf-8', here('pages/tus.js')],
  '/uppy': ['text/html; charset=utf-8', here('pages/uppy.html')],
  '/uppy.js': ['text/javascript; charset=utf-8', here('pages/uppy.js')],
  '/uppy.min.js': ['text/javascript; charset=utf-8', here('node_modules/uppy/dist/uppy.min.js')],
  '/tus.min.js': ['text/javascript; charset=utf-8', here('node_modules/tus-js-client/dist/tus.min.js')],
};

/** Writes the body of a request as it is. A real server would parse the form in it, too. */
let stored = 0;
function store(request, response) {
  const file = createWriteStream(join(directory, `xhr-${stored++}`));
  request.pipe(file).on('finish', () => response.setHeader('Content-Type', 'application/json').end('{}'));
}

const server = createServer((request, response) => {
  if (request.url === '/xhr') {
    store(request, response);
    return;
  }
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
