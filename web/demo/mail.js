import { write } from '../widget/dom.js';

/** @typedef {import('../element.js').AttacheChat} AttacheChat */
/** @typedef {{ to: string, subject: string, text: string }} Mail */

/** How often the proxy is asked for the e-mail, and how many times, once the chat has ended. */
const pause = 500;
const tries = 60;

/** The button that ends the chat, and the e-mail that a customer would then get. */
export class MailView {
  #button;
  #section;
  #session = '';

  /** @param {HTMLElement} button @param {HTMLElement} section */
  constructor(button, section) {
    this.#button = /** @type {HTMLButtonElement} */ (button);
    this.#section = section;
  }

  /** Lets the button end the chat of an agent. @param {AttacheChat} agent @param {string} session */
  watch(agent, session) {
    this.#session = session;
    this.#button.addEventListener('click', async () => {
      this.#button.disabled = true;
      try {
        await agent.session?.close({ after: 'force-close' });
        await this.#show();
      } catch (error) {
        this.#say(`The chat could not be ended. (${/** @type {Error} */ (error).message})`);
        this.#button.disabled = false;
      }
    });
  }

  async #show() {
    this.#say('The chat has ended. The e-mail is being written…');
    for (let n = 0; n < tries; n++) {
      const mail = await this.#fetch();
      if (mail !== undefined) {
        const [to, subject] = this.#section.querySelectorAll('dd');
        write(to, mail.to);
        write(subject, mail.subject);
        write(/** @type {HTMLElement} */ (this.#section.querySelector('pre')), mail.text);
        this.#say('This demo sends nothing: it only shows what would be sent.');
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    this.#say('No e-mail was written.');
  }

  /** @returns {Promise<Mail | undefined>} */
  async #fetch() {
    const address = new URL('demo/mails.json', document.baseURI);
    address.searchParams.set('session', this.#session);
    const answer = await fetch(address, { cache: 'no-store' });
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
    return /** @type {{ mails: Mail[] }} */ (await answer.json()).mails.at(-1);
  }

  /** @param {string} words */
  #say(words) {
    this.#section.hidden = false;
    write(/** @type {HTMLElement} */ (this.#section.querySelector('[role=status]')), words);
  }
}
