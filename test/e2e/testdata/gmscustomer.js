// A customer's page of another site, as pages for the vendor's GMS are: over REST, or over CometD
// with the unmodified package of npm.
import { AckExtension, CometD } from './cometd/cometd.js';

/** Posts by XMLHttpRequest. Its listener for progress makes the browser ask by OPTIONS first. */
const post = (url, body, responseType = 'json') => new Promise((resolve) => {
  const request = new XMLHttpRequest();
  let sent = 0;
  request.upload.addEventListener('progress', ({ loaded }) => { sent = loaded; });
  request.addEventListener('loadend', () => resolve({ status: request.status, sent, body: request.response }));
  request.responseType = responseType;
  request.open('POST', url);
  request.send(body);
});

/** A form of the parameters, with the file last. */
function form(fields, file) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  if (file) body.append('file', file, file.name);
  return body;
}

/** What both ways have: the messages of the chat, in order. */
class Customer {
  messages = [];
  party = {};

  take(reply) {
    for (const name of ['userId', 'secureKey', 'alias', 'chatId']) if (reply[name]) this.party[name] = reply[name];
    this.messages.push(...reply.messages);
  }

  /** Waits for a message of that type with that text or file name, or of that party. */
  message(type, what) {
    return e2e.until(() => this.messages.find((m) => m.type === type && [m.text, m.userData?.['file-name'], m.from.nickname].includes(what)), `${type} ${what}`);
  }
}

class OnREST extends Customer {
  next = 1;

  async start(url, nickname) {
    this.url = `${url}/genesys/2/chat/support`;
    this.take((await post(this.url, form({ nickname, subject: 'an invoice' }))).body);
    this.url += `/${this.party.chatId}`;
    this.polling = this.poll();
    return this.party.chatId;
  }

  ask(path, fields, type) {
    const { userId, secureKey, alias } = this.party;
    return post(this.url + path, new URLSearchParams({ userId, secureKey, alias, ...fields }), type);
  }

  async poll() {
    for (let ended = false; !ended;) {
      const { body } = await this.ask('/refresh', { transcriptPosition: this.next });
      this.take(body);
      this.next = body.nextPosition;
      ended = this.left || body.chatEnded;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  say(message) { return this.ask('/send', { message }); }

  limits() { return this.ask('/file/limits'); }

  upload(file) {
    const { userId, secureKey, alias } = this.party;
    return post(`${this.url}/file`, form({ userId, secureKey, alias, 'userData[file-description]': 'as asked' }, file));
  }

  download(id) { return this.ask(`/file/${id}/download`, {}, 'arraybuffer'); }

  async leave() {
    this.left = true;
    await this.polling;
    await this.ask('/disconnect');
  }
}

class OnCometD extends Customer {
  channel = '/service/chatV2/support';

  constructor(transport) {
    super();
    this.cometd = new CometD();
    this.cometd.registerExtension('ack', new AckExtension());
    for (const type of this.cometd.getTransportTypes()) if (type !== transport) this.cometd.unregisterTransport(type);
  }

  async start(url, nickname) {
    this.url = `${url}/genesys/2/chat-ntf`;
    this.cometd.configure({ url: `${url}/genesys/cometd`, logLevel: 'error' });
    this.cometd.addListener(this.channel, ({ data }) => this.take(data));
    const { successful, error } = await new Promise((resolve) => { this.cometd.handshake(resolve); });
    if (!successful) throw new Error(error);
    this.publish({ operation: 'requestChat', nickname, subject: 'an invoice' });
    return e2e.until(() => this.party.chatId, 'the chat');
  }

  publish(data) {
    return new Promise((resolve) => { this.cometd.publish(this.channel, { ...data, secureKey: this.party.secureKey }, resolve); });
  }

  say(message) { return this.publish({ operation: 'sendMessage', message }); }

  files(operation, fields, file, type) {
    return post(this.url, form({ operation, secureKey: this.party.secureKey, ...fields }, file), type);
  }

  limits() { return this.files('fileGetLimits'); }

  upload(file) { return this.files('fileUpload', { 'userData[file-description]': 'as asked' }, file); }

  download(fileId) { return this.files('fileDownload', { fileId }, undefined, 'arraybuffer'); }

  async leave() {
    await this.publish({ operation: 'disconnect' });
    await new Promise((resolve) => { this.cometd.disconnect(resolve); });
  }
}

let customer;

/** Begins a chat, and returns its id. */
window.start = (url, nickname, way) => {
  customer = way === 'REST' ? new OnREST() : new OnCometD(way);
  return customer.start(url, nickname);
};

const digested = async ({ status, body }) => ({ status, digest: status === 200 ? await e2e.digest(body) : '' });

window.customer = {
  say: (text) => customer.say(text),
  message: (type, what) => customer.message(type, what),
  limits: async () => (await customer.limits()).body.messages[0].userData,
  upload: () => customer.upload(e2e.input.files[0]),
  /** Sends a file of zeros, which is only in the page. */
  zeros: (name, size) => customer.upload(new File([new Uint8Array(size)], name)),
  download: async (id) => digested(await customer.download(id)),
  leave: () => customer.leave(),
};
