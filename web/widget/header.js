import { make, write } from './dom.js';
import { initials } from './roster.js';

/** @typedef {import('../attache.js').Party} Party */
/** @typedef {import('../attache.js').SessionState | 'connecting' | 'idle'} ShownState */
/** @typedef {import('./locale.js').Locale} Locale */

const maxAvatars = 4;

/** The chat's heading, the parties in it, and the state of the connection. */
export class Header {
  node = make('header', { class: 'header', part: 'header' });
  #title = make('h2', { class: 'heading', part: 'heading', dir: 'auto' });
  #participants = make('p', { class: 'participants', part: 'participants' });
  #names = make('bdi');
  #avatars = make('span', { class: 'avatars', part: 'avatars', 'aria-hidden': 'true' });
  #state = make('span', { class: 'state', part: 'state', role: 'status' });
  #stateWord = make('span', { class: 'state-word' });
  #locale;

  /** @param {Locale} locale */
  constructor(locale) {
    this.#locale = locale;
    this.#names.dir = this.#stateWord.dir = locale.direction;
    this.#participants.append(this.#names);
    this.#state.append(this.#stateWord);
    this.node.append(this.#avatars, make('div', { class: 'header-words' }, this.#title, this.#participants), this.#state);
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

  /** @param {import('./roster.js').Present[]} here @param {Party} self */
  showParticipants(here, self) {
    const others = here.filter((party) => party.userId !== self.userId);
    this.#avatars.replaceChildren(...(others.length > 0 ? others : [self]).slice(0, maxAvatars).map((party) => this.#avatar(party)));
    const names = others.map(({ nickname, userType, visibility }) => this.#locale.say(visibility === 'ALL' ? 'partyOf' : 'partyHidden', {
      name: nickname, role: this.#locale.say(userType), visibility: visibility === 'ALL' ? '' : this.#locale.say(visibility),
    }));
    write(this.#names, others.length === 0 ? this.#locale.say('alone') : this.#locale.list([...names, this.#locale.say('you')]));
    this.#participants.title = this.#names.textContent ?? '';
  }

  /** @param {Party} party */
  #avatar({ nickname, userType }) {
    return make('span', { class: 'avatar', 'data-type': userType }, initials(nickname));
  }
}
