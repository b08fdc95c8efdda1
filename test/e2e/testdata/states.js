// Elements in the states that need a certain moment, made with the double of a session.
'use strict';
globalThis.states = (() => {
  const at = (path) => new URL(`web/${path}`, document.baseURI);

  /** Replaces the page's elements by that of one party, and returns the element. */
  function show(session, attributes = {}) {
    const element = document.createElement('attache-chat');
    element.heading = 'States';
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.session = session;
    document.querySelector('main').replaceChildren(element);
    return element;
  }

  const within = (element, selector) => e2e.until(() => element.shadowRoot.querySelector(selector), selector);

  /** A chat with a text and a file for agents only, and a text file for everyone. */
  async function chat(limits = {}) {
    const { FakeChat } = await import(at('testing.js'));
    const made = new FakeChat();
    const bo = made.join({ nickname: 'Bo', limits });
    const ada = made.join({ nickname: 'Ada', userType: 'AGENT' });
    const eve = made.join({ nickname: 'Eve', userType: 'SUPERVISOR' });
    await bo.send('Hello');
    await ada.send('for agents', { visibility: 'INT' });
    await ada.upload(new File(['x'], 'hint.pdf'), { visibility: 'INT' });
    await ada.upload(new File(['a text\nof two lines'], 'notes.txt'));
    return { made, bo, ada, eve };
  }

  const press = (node, key) => node.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  const text = (element, selector) => [...element.shadowRoot.querySelectorAll(selector)].map((node) => node.textContent).join(' ');
  const library = ['', 'Forms', 'Forms', 'Manuals'].map((folder, i) => ({
    documentId: `D${i}`, name: `response-${i}.pdf`, folder, description: i === 2 ? 'for returns' : '', size: 1000 * (i + 1),
  }));

  /** Throws unless the text of the nodes has all these words. */
  async function says(element, selector, ...words) {
    const plain = () => text(element, selector).replace(/[\u2068\u2069]/g, '');
    await e2e.until(() => words.every((word) => plain().includes(word)), `${words} in ${selector}, not ${plain()}`);
  }

  const all = {
    async 'a supervisor chooses who can see it'() {
      const element = show((await chat()).eve);
      const choice = await within(element, '.visibility-choice');
      choice.value = 'VIP';
      choice.dispatchEvent(new Event('change'));
      await within(element, '.composer[data-visibility=VIP]');
    },
    async 'no download is left'() {
      await within(show((await chat({ maxDownloads: 2, usedDownloads: 2 })).bo, { 'uploads-enabled': '' }), 'button[aria-disabled]');
    },
    async 'a text in the viewer'() {
      const element = show((await chat()).bo);
      (await within(element, 'button.tile-name')).click();
      await within(element, 'dialog[open] pre');
    },
    async 'notices of every kind'() {
      const { made, bo, ada } = await chat({ deleteFile: 'odd' });
      const element = show(bo, { 'uploads-enabled': '' });
      await ada.rename('Ada L.');
      made.add({ type: 'url', url: 'https://trusted.example@docs.example/page', from: ada.party }); // no proxy lets it pass
      await bo.remove(await bo.upload(new File(['x'], 'wrong.pdf')));
      await ada.send('psst', { receiver: 'Bo' });
      await ada.send('An agent will answer soon', { treatAs: 'SYSTEM' });
      made.add({ type: 'idle', closed: false, text: '', data: {}, from: { userId: 'system', nickname: 'System', userType: 'SYSTEM' } });
      await ada.removeParty('Eve');
      ada.typing(true);
      await says(element, '.line', 'Ada is now called Ada L.', 'Ada L. suggests a page:', 'docs.example', 'You deleted wrong.pdf',
        'An agent will answer soon', 'closed soon', 'Eve was removed by Ada L.');
      await says(element, '.head', 'to you only');
      await says(element, '.typing', 'Ada L. is typing');
      ada.typing(false);
      await e2e.until(() => text(element, '.typing') === '', 'typing to end');
      ada.typing(true);
      await says(element, '.typing', 'Ada L. is typing');
    },
    async 'a pushed address asks before it opens'() {
      const { made, bo, ada } = await chat();
      made.add({ type: 'url', url: 'https://trusted.example@docs.example/page', from: ada.party }); // no proxy lets it pass
      const element = show(bo);
      const button = await within(element, 'button.pushed');
      button.focus();
      button.click();
      const yes = await within(element, 'dialog[open] a');
      if (yes.href !== 'https://docs.example/page' || yes.rel !== 'noopener noreferrer' || yes.target !== '_blank') throw new Error(`${yes.href}, ${yes.rel}, ${yes.target}`);
      if (e2e.focused() === yes) throw new Error('Enter, pressed twice, would open it');
      await says(element, 'dialog', 'Open a page of docs.example?', 'https://docs.example/page');
    },
    async 'a file is deleted after a question'() {
      const { bo, eve } = await chat({ deleteFile: 'odd' });
      const file = await bo.upload(new File(['a text'], 'wrong.txt'));
      const reader = show(eve);
      (await e2e.until(() => [...reader.shadowRoot.querySelectorAll('button.tile-name')].find((one) => one.textContent === 'wrong.txt'), 'the file')).click();
      await within(reader, 'dialog.viewer[open]');
      await bo.remove(file);
      await e2e.until(() => !reader.shadowRoot.querySelector('dialog'), 'the viewer of the others to close');
      await says(reader, '.line', 'Bo deleted wrong.txt');

      await bo.upload(new File(['x'], 'passport.pdf'));
      const element = show(bo, { 'uploads-enabled': '' });
      const remove = () => element.shadowRoot.querySelector('button.tile-delete');
      (await e2e.until(remove, 'a button that removes it')).click();
      (await within(element, 'dialog[open] button.danger')).click();
      await says(element, '.line', 'You deleted passport.pdf');
      await bo.upload(new File(['x'], 'passport.pdf'));
      bo.setLimits({ deleteFile: 'off' });
      await e2e.until(() => !remove(), 'the button to go when the limits change');
      bo.setLimits({ deleteFile: 'keep' });
      (await e2e.until(remove, 'the button to come back')).click();
      await within(element, 'dialog.question[open]');
    },
    async 'a standard response is chosen by keys'() {
      const { made, ada, bo } = await chat();
      made.library = library;
      const element = show(ada);
      const open = async () => {
        (await e2e.until(() => element.shadowRoot.querySelector('button.responses-button:not([hidden])'), 'the button of the library')).click();
        return within(element, 'dialog[open] input');
      };
      const search = await open();
      await says(element, '.responses-status', '4 responses');
      press(search, 'ArrowDown');
      press(search, 'ArrowDown');
      const chosen = () => element.shadowRoot.getElementById(search.getAttribute('aria-activedescendant'));
      await e2e.until(() => chosen()?.textContent.includes('for returns') && chosen().ariaSelected === 'true', 'the third response');
      press(search, 'Enter');
      await e2e.until(() => !element.shadowRoot.querySelector('dialog'), 'the library to close');
      const file = bo.transcript.at(-1);
      if (file.name !== 'response-2.pdf' || file.uploadType !== 'standard-response') throw new Error(JSON.stringify(file));
      const again = await open();
      again.value = 'forms 1';
      again.dispatchEvent(new InputEvent('input', { bubbles: true }));
      await says(element, '.responses-status', '1 response');
      made.library = [];
      press(again, 'Enter');
      await says(element, 'dialog .refusal', 'document');
    },
  };

  /** Returns what axe finds wrong in a state. */
  async function check(name) {
    await all[name]();
    await e2e.settled();
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.flat().join(' ')}: ${failureSummary}`));
  }

  return { names: () => Object.keys(all), check };
})();
