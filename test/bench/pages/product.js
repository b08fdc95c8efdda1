// Evaluated in a page of the proxy's own origin: the product through its public
// interface, timed by this page's clock.
(async () => {
  const { connect } = await import('/web/attache.js');

  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  input.id = 'file';
  document.body.append(input);

  /** @type {import('../../../web/attache.js').Session} */
  let session;
  /** The latest file that was announced. */
  let latest;

  async function timed(work) {
    const start = performance.now();
    const answer = await work();
    return { ms: performance.now() - start, answer };
  }

  /** Resolves with the time at which the test first holds below the root. */
  function seen(root, test) {
    return new Promise((resolve) => {
      const observer = new MutationObserver(look);
      function look() {
        if (!test()) return;
        observer.disconnect();
        resolve(performance.now());
      }
      observer.observe(root, { subtree: true, childList: true, characterData: true });
      look();
    });
  }

  /** Reads a body to its end and drops it; its bytes. */
  async function drain(response) {
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    const reader = response.body.getReader();
    let bytes = 0;
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      bytes += piece.value.length;
    }
    return bytes;
  }

  const pane = (id) => document.getElementById(id);
  const inside = (id, selector) => pane(id).shadowRoot.querySelectorAll(selector);
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  let count = 0;

  globalThis.bench = {
    async join(token) {
      session = await connect({ token });
    },

    /** Leaves and joins again: with a loaded module only the sockets are new. */
    async rejoin(token) {
      await session.close();
      session = await connect({ token });
    },

    /** Sends the first chosen file until it is announced. */
    upload: () => timed(async () => {
      latest = await session.upload(input.files[0]);
      return latest.size;
    }),

    /** Sends every chosen file, each after the one before is announced. */
    uploadEach: () => timed(async () => {
      for (const file of input.files) {
        latest = await session.upload(file);
      }
      return input.files.length;
    }),

    /** Sends every chosen file at once. */
    uploadAll: () => timed(async () => {
      const files = await Promise.all(Array.from(input.files, (file) => session.upload(file)));
      return files.length;
    }),

    link: () => session.link(latest),

    /** Reads a link to its end and drops it, with nothing of ours in the page. */
    async get(link) {
      const start = performance.now();
      const response = await fetch(link, { cache: 'no-store' });
      return { bytes: await drain(response), ms: performance.now() - start };
    },

    /** Reads the latest file to its end and drops it. */
    async download() {
      const start = performance.now();
      const response = await session.download(latest);
      return { bytes: await drain(response), ms: performance.now() - start };
    },

    /** Shows an element for each of the two parties, and waits until both are in the chat. */
    async panes(agent, customer) {
      await import('/web/element.js');
      for (const [id, token] of Object.entries({ agent, customer })) {
        const element = document.createElement('attache-chat');
        element.id = id;
        element.url = location.origin;
        element.token = token;
        document.body.append(element);
      }
      const late = performance.now() + 30_000;
      for (const id of ['agent', 'customer']) {
        while (pane(id).session?.state !== 'connected') {
          if (performance.now() > late) throw new Error(`the ${id} is ${pane(id).session?.state ?? 'in no session'}: ${pane(id).shadowRoot.textContent}`);
          await pause(20);
        }
      }
    },

    /** Drops the first chosen file on the agent's pane, until its icon is in the customer's. */
    async drop() {
      const data = new DataTransfer();
      data.items.add(input.files[0]);
      const icons = '.file.other [part~="file-icon"] svg';
      const before = inside('customer', icons).length;
      const target = inside('agent', '[part~="frame"]')[0];
      const start = performance.now();
      const arrived = seen(pane('customer').shadowRoot, () => inside('customer', icons).length > before);
      target.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, composed: true, cancelable: true }));
      return { ms: await arrived - start, answer: 1 };
    },

    /**
     * Says something ten times a second, for so many seconds or, with an
     * upload beside it, at most until that is announced; milliseconds until
     * each text is in the customer's pane.
     */
    async texts(seconds, uploading) {
      const agent = pane('agent').session;
      const stop = new AbortController();
      const times = [];
      const began = performance.now();
      let stored = 0;
      let ended = 0;
      const upload = uploading
        ? agent.upload(input.files[0], { signal: stop.signal, onProgress: (progress) => { stored = progress.stored; } })
          .catch((error) => {
            if (!stop.signal.aborted) throw error;
          })
          .finally(() => { ended = performance.now(); })
        : undefined;
      if (uploading) {
        await pause(1000); // until it is up to speed
      }
      const end = performance.now() + seconds * 1000;
      while (performance.now() < end && ended === 0) {
        const text = `text ${count += 1}`;
        const bubbles = () => inside('customer', '.message.other [part~="bubble"]');
        const start = performance.now();
        const arrived = seen(pane('customer').shadowRoot, () => Array.from(bubbles()).at(-1)?.textContent === text);
        await agent.send(text);
        times.push(await arrived - start);
        await pause(100);
      }
      const until = ended || performance.now();
      stop.abort();
      await upload;
      await pause(uploading ? 3000 : 0); // until the last texts have arrived
      return { times, stored, seconds: (until - began) / 1000 };
    },

    /** Bytes of the module's linear memory. */
    linear: () => globalThis.benchMemory.buffer.byteLength,
  };
})()
