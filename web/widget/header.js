import { make, write } from './dom.js';
import { initials } from './roster.js';

/** @typedef {import('../attache.js').Party} Party */
/** @typedef {import('../attache.js').SessionState | 'connecting' | 'idle'} ShownState */
/** @typedef {import('./locale.js').Locale} Locale */

const facesShown = 4;

/** What this chat is, who is in it, and whether it is connected. */
export class Header {
  node = make('header', { class: 'header', part: 'header' });
  #title = make('h2', { class: 'heading', part: 'heading', dir: 'auto' });
  #people = make('p', { class: 'people', part: 'people' });
  #names = make('bdi');
  #faces = make('span', { class: 'faces', part: 'faces', 'aria-hidden': 'true' });
  #state = make('span', { class: 'state', part: 'state', role: 'status' });
  #stateWord = make('span', { class: 'state-word' });
  #locale;

  /** @param {Locale} locale */
  constructor(locale) {
    this.#locale = locale;
    this.#names.dir = this.#stateWord.dir = locale.direction;
    this.#people.append(this.#names);
    this.#state.append(this.#stateWord);
    this.node.append(this.#faces, make('div', { class: 'header-words' }, this.#title, this.#people), this.#state);
  }

  /** @param {string} heading */
  set heading(heading) {
    write(this.#title, heading || this.#locale.say('heading'));
  }

  /** @param {ShownState} state */
  set state(state) {
    this.#state.dataset.state = state;
    write(this.#stateWord, this.#locale.say(state));
  }

  /** @param {Party[]} here @param {Party} self */
  people(here, self) {
    const others = here.filter((party) => party.userId !== self.userId);
    this.#faces.replaceChildren(...(others.length > 0 ? others : [self]).slice(0, facesShown).map((party) => this.#face(party)));
    const names = others.map(({ nickname, userType }) => this.#locale.say('partyOf', { name: nickname, role: this.#locale.say(userType) }));
    write(this.#names, others.length === 0 ? this.#locale.say('alone') : this.#locale.list([...names, this.#locale.say('you')]));
    this.#people.title = this.#names.textContent ?? '';
  }

  /** @param {Party} party */
  #face({ nickname, userType }) {
    return make('span', { class: 'face', 'data-type': userType }, initials(nickname));
  }
}
