// Chats by Faye's client, which knows nothing of CometD, and prints what it got:
// node faye.mjs MODULES URL TRANSPORT
import { createRequire } from 'node:module';

const [modules, url, transport] = process.argv.slice(2);
const { Client } = createRequire(modules + '/')('faye');
const service = '/service/chatV2/customer-support';
const client = new Client(url);
client.disable('eventsource'); // which is Faye's own
if (transport !== 'websocket') client.disable('websocket'); // it shakes hands by polling, whatever follows

// The answers of a service need no subscription, and Faye hands out only what was subscribed.
const envelopes = [];
let look = () => {};
client.addExtension({ incoming(message, done) {
  if (message.data) envelopes.push(message.data);
  look();
  done(message);
} });
const until = (found) => new Promise((resolve) => {
  look = () => { if (found()) resolve(found()); };
  look();
});

await client.publish(service, { operation: 'requestChat', nickname: 'Ann' });
const { secureKey } = await until(() => envelopes.find((e) => e.secureKey));
await client.publish(service, { operation: 'sendMessage', message: 'hello', secureKey });
const messages = () => envelopes.flatMap((e) => e.messages).map((m) => `${m.type} ${m.text ?? ''}`);
await until(() => messages().includes('Message hello'));
await client.publish(service, { operation: 'disconnect', secureKey });
console.log(JSON.stringify([client._dispatcher.connectionType, ...messages().slice(0, 2)]));
process.exit(0);
