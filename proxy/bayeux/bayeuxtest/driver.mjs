// Drives the unmodified cometd package by lines of JSON: a command on standard input, an event on
// standard output. Its argument is a JSON object with url, modules (a node_modules folder),
// library ("cometd" or "cometd3"), transports and ack.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { runInNewContext } from 'node:vm';

const options = JSON.parse(process.argv[2]);
const require = createRequire(options.modules + '/index.js');

const emit = (event, fields) => process.stdout.write(JSON.stringify({ event, ...fields }) + '\n');

const { adapt } = require('cometd-nodejs-client');
adapt();
// What the package needs of a page for callback-polling: a script element, which a page loads
// without asking any origin, and runs.
globalThis.document = window.document = {
  getElementsByTagName: () => [{
    appendChild: (script) => {
      fetch(script.src, { headers: { accept: '*/*' } })
        .then(async (response) => {
          if (!response.ok) throw new Error(response.status);
          runInNewContext(await response.text(), window);
        })
        .catch((error) => script.onerror({ type: String(error) }));
    },
    removeChild: () => {},
  }],
  createElement: () => ({}),
};

const library = require(options.library);
const cometd = new library.CometD();
if (options.ack) {
  const Ack = library.AckExtension ?? require(options.library + '/AckExtension');
  cometd.registerExtension('ack', new Ack());
}
for (const type of cometd.getTransportTypes()) {
  if (!options.transports.includes(type)) cometd.unregisterTransport(type);
}
cometd.configure({ url: options.url, logLevel: 'error', maxBackoff: 100, backoffIncrement: 20, ...options.configure });
for (const channel of ['/meta/handshake', '/meta/connect', '/meta/disconnect', '/meta/unsuccessful']) {
  cometd.addListener(channel, (message) => emit('meta', { channel, message, transport: cometd.getTransport()?.type }));
}
// The answers of a service need no subscription: a listener suffices.
cometd.addListener('/service/**', (message) => emit('message', { channel: message.channel, message }));

const done = (id) => (message) => emit('done', { id, message });

const commands = {
  handshake: ({ id, props }) => cometd.handshake(props, done(id)),
  subscribe: ({ id, channel }) => cometd.subscribe(channel, (message) => emit('message', { channel: message.channel, message }), done(id)),
  publish: ({ id, channel, data }) => cometd.publish(channel, data, done(id)),
  // Several in one request.
  batch: ({ id, publish }) => cometd.batch(() => publish.forEach(({ channel, data }) => cometd.publish(channel, data, done(id)))),
  disconnect: ({ id, props }) => cometd.disconnect(props, done(id)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  commands[command.do](command);
}
process.exit(0);
