package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// The events of desktops and input methods, made by hand, because a headless browser
// has neither a file manager nor an input method.
func TestHabitsOfDesktops(t *testing.T) {
	d := places[0].open(t)
	ok := func(t *testing.T, function string, args ...any) {
		t.Helper()
		require.True(t, ask[bool](d.page, function, args...))
	}

	t.Run("B13 a copied file is sent, copied text is not", func(t *testing.T) {
		const paste = `([files, texts]) => {
			const field = e2e.root('customer').querySelector('textarea');
			const data = new DataTransfer();
			for (const name of files) data.items.add(new File(['x'], name));
			for (const [type, text] of Object.entries(texts)) data.setData(type, text);
			return !field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, composed: true, cancelable: true }));
		}`
		ok(t, paste, []any{[]string{"finder.jpg"}, map[string]string{"text/plain": "finder.jpg"}})
		d.agent.file("finder.jpg")
		ok(t, paste, []any{[]string{"one.txt", "two.txt"}, map[string]string{"text/plain": "/home/ada/one.txt\n/home/ada/two.txt"}})
		d.agent.file("one.txt")
		d.agent.file("two.txt")
		require.False(t, ask[bool](d.page, paste, []any{[]string{"image.png"}, map[string]string{"text/plain": "1\t2", "text/html": "<table><td>1</td></table>"}}))
	})

	t.Run("B17 a drop without a file says what to do instead", func(t *testing.T) {
		const drop = `async (type) => {
			const frame = e2e.root('agent').querySelector('.frame');
			const event = new DragEvent(type, { bubbles: true, cancelable: true, composed: true });
			const items = [{ kind: 'string', type: 'text/uri-list', getAsFile: () => null }];
			Object.defineProperty(event, 'dataTransfer', { value: { types: ['Files', 'text/uri-list'], items, files: [] } });
			frame.dispatchEvent(event);
			await e2e.settled();
			return event.defaultPrevented;
		}`
		ok(t, drop, "dragover")
		ok(t, `() => {
			const overlay = e2e.root('agent').querySelector('.overlay');
			return !overlay.hidden && overlay.classList.contains('closed') && overlay.textContent.includes('not a file');
		}`)
		ok(t, drop, "drop")
		ok(t, `() => e2e.root('agent').querySelector('.overlay').hidden`)
		ok(t, `() => {
			const alert = e2e.root('agent').querySelector('[role=alert][part=composer-error]');
			return alert.textContent.includes('paste it here') && alert.getBoundingClientRect().height > 0;
		}`)
	})

	t.Run("B17 a real drag: a file is sent, a picture of another page is not followed", func(t *testing.T) {
		f := generated(t, "dragged.txt", []byte("dragged"))
		d.drag("agent", &input.DragData{Items: []*input.DragDataItem{}, Files: []string{f.path}, DragOperationsMask: 1 | 16})
		d.customer.file("dragged.txt")
		ok(t, `() => e2e.root('agent').querySelector('[part=composer-error]').textContent === ''`)

		address := ask[string](d.page, "() => location.href")
		d.drag("agent", &input.DragData{Items: []*input.DragDataItem{
			{MimeType: "text/uri-list", Data: "https://a.example/cat.png"}, {MimeType: "text/html", Data: `<img src="https://a.example/cat.png">`},
		}, DragOperationsMask: 1 | 2 | 16})
		ok(t, `() => e2e.root('agent').querySelector('[part=composer-error]').textContent.includes('not a file')`)
		require.Equal(t, address, ask[string](d.page, "() => location.href"))
	})

	t.Run("B17 a drop or a paste while no files can be sent says why", func(t *testing.T) {
		ok(t, `async () => {
			const { FakeChat } = await import(new URL('web/testing.js', document.baseURI));
			const chat = document.createElement('attache-chat');
			chat.uploadsEnabled = true;
			chat.session = new FakeChat().join({ nickname: 'Eve', limits: { maxFiles: 0 } });
			document.body.append(chat);
			const frame = await e2e.until(() => chat.shadowRoot.querySelector('.frame'), 'the frame');
			const complaint = frame.querySelector('[part=composer-error]');
			const told = [];
			for (const [Kind, type, member] of [[DragEvent, 'drop', 'dataTransfer'], [ClipboardEvent, 'paste', 'clipboardData']]) {
				const data = new DataTransfer();
				data.items.add(new File(['x'], 'a.txt'));
				complaint.textContent = '';
				frame.dispatchEvent(new Kind(type, { [member]: data, bubbles: true, cancelable: true }));
				told.push(complaint.textContent);
			}
			chat.remove();
			return told.every((words) => words.includes('Nothing was sent') && words.includes('Files cannot be sent in this chat'));
		}`)
	})

	t.Run("B17 B29 every dropped file is sent or refused", func(t *testing.T) {
		for _, test := range []struct{ name, prepare, state, code string }{
			{"no files may be sent", `(chat, ada) => { chat.session = ada({ maxFiles: 0 }); }`, "failed", "too-many-files"},
			{"an agent is needed", `(chat, ada) => { chat.session = ada({ needAgent: true }); }`, "failed", "agent-needed"},
			{"the session has ended", `(chat, ada) => { chat.session = ada({}); return chat.session.close(); }`, "failed", "not-joined"},
			{"not connected yet", `() => {}`, "offered", ""},
			{"connecting", `(chat) => { chat.url = location.origin; chat.token = () => new Promise(() => {}); }`, "offered", ""},
			{"no uploads are offered", `(chat, ada) => { chat.session = ada({}); chat.uploadsEnabled = false; }`, "", "forbidden"},
			{"a customer's page by default", `(chat, ada) => { chat.session = ada({}); chat.uploadsEnabled = null; }`, "", "forbidden"},
			{"for reading only", `(chat, ada) => { chat.session = ada({}); chat.readOnly = true; }`, "", "forbidden"},
		} {
			t.Run(test.name, func(t *testing.T) {
				got := ask[struct{ State, Code, Word string }](d.page, `async (prepare, state, code) => {
					const { FakeChat } = await import(new URL('web/testing.js', document.baseURI));
					const chat = document.createElement('attache-chat');
					chat.uploadsEnabled = true;
					document.body.append(chat);
					try {
						await prepare(chat, (limits) => new FakeChat().join({ nickname: 'Eve', limits }));
						await e2e.settled();
						const told = [];
						chat.addEventListener('attache-error', ({ detail }) => told.push(detail.code));
						const data = new DataTransfer();
						data.items.add(new File(['x'], 'dropped.txt'));
						const frame = chat.shadowRoot.querySelector('.frame');
						frame.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
						const tile = () => [...frame.querySelectorAll('.tile')].find((one) => one.textContent.includes('dropped'));
						await e2e.until(() => (state === '' || tile()?.dataset.state === state) && (code === '' || told.includes(code)), 'a tile and an event');
						const words = () => [...frame.querySelectorAll('[role=alert]')].map((one) => one.textContent).join(' ');
						if (code !== '') await e2e.until(() => words().trim() !== '', 'a word');
						return { state: tile()?.dataset.state ?? '', code: told[0] ?? '', word: state === 'offered' ? '' : words() };
					} finally {
						chat.remove();
					}
				}`, raw(test.prepare), test.state, test.code)
				require.Equal(t, test.state, got.State)
				require.Equal(t, test.code, got.Code)
				require.Equal(t, test.code != "", got.Word != "", got.Word)
			})
		}
	})

	t.Run("B21 a file that is picked after a switch stays out of the next chat", func(t *testing.T) {
		ok(t, `async () => {
			const { FakeChat } = await import(new URL('web/testing.js', document.baseURI));
			const chat = document.createElement('attache-chat');
			const [one, other] = [new FakeChat(), new FakeChat()].map((fake) => fake.join({ nickname: 'Ada' }));
			chat.session = one;
			document.body.append(chat);
			const input = chat.shadowRoot.querySelector('input[type=file]');
			const refused = new Promise((resolve) => { chat.addEventListener('attache-error', ({ detail }) => resolve(detail.code), { once: true }); });
			const sent = [];
			for (const session of [one, other]) session.addEventListener('upload', () => sent.push(session));
			chat.session = other;
			const data = new DataTransfer();
			data.items.add(new File(['x'], 'meant-for-one.txt'));
			input.files = data.files;
			input.dispatchEvent(new Event('change'));
			const code = await refused;
			const tile = await e2e.until(() => chat.shadowRoot.querySelector('.tile'), 'its tile');
			const told = tile.dataset.state === 'failed' && tile.textContent.includes('meant-for-one');
			chat.remove();
			return code === 'cancelled' && sent.length === 0 && told;
		}`)
	})

	t.Run("B17 a drag without an end is over", func(t *testing.T) {
		ok(t, `() => {
			const data = new DataTransfer();
			data.items.add(new File(['x'], 'a.txt'));
			e2e.root('agent').querySelector('.frame').dispatchEvent(new DragEvent('dragenter', { dataTransfer: data, bubbles: true, cancelable: true }));
			return document.querySelector('#agent').matches(':state(dragging)');
		}`)
		ok(t, `() => e2e.until(() => !document.querySelector('#agent').matches(':state(dragging)'), 'the end of the drag').then(() => true)`)
	})

	t.Run("B27 a drop in another window belongs to that window, and is sent", func(t *testing.T) {
		tell(d.page, `() => {
			const frame = document.body.appendChild(document.createElement('iframe'));
			const { Blob, File } = frame.contentWindow;
			document.querySelector('#agent').add([new File(['x'], 'foreign.txt'), new Blob(['x'], { type: 'image/png' })]);
			frame.remove();
		}`)
		d.customer.file("foreign.txt")
		d.customer.file("image.png")
		ok(t, `() => {
			try {
				document.querySelector('#agent').add([null]);
			} catch (error) {
				return error instanceof TypeError;
			}
			return false;
		}`)
	})

	t.Run("B17 a drop on a read-only chat does not leave the page", func(t *testing.T) {
		ok(t, `() => {
			const agent = document.querySelector('#agent');
			agent.readOnly = true;
			try {
				const data = new DataTransfer();
				data.items.add(new File(['x'], 'a.txt'));
				const [frame] = e2e.root('agent').querySelectorAll('.frame');
				const taken = ['dragover', 'drop'].map((type) => {
					const event = new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
					frame.dispatchEvent(event);
					return event.defaultPrevented;
				});
				return taken.every(Boolean) && frame.querySelector('.overlay').classList.contains('closed') && !frame.textContent.includes('a.txt');
			} finally {
				agent.readOnly = false;
			}
		}`)
	})

	t.Run("B27 styles around the element change no names and no words", func(t *testing.T) {
		d.customer.file("foreign.txt")
		ok(t, `() => {
			const sheet = new CSSStyleSheet();
			sheet.replaceSync('body { text-transform: uppercase; font: small-caps italic 9px serif; word-spacing: 30px; text-indent: 40px; ' +
				'white-space: nowrap; word-break: break-all; user-select: none; -webkit-text-fill-color: transparent; text-shadow: 1px 1px red }');
			const look = () => ['.tile-name', '.bubble', '.heading', 'textarea'].flatMap((one) => {
				const node = e2e.root('customer').querySelector(one);
				if (!node) return [];
				const style = getComputedStyle(node);
				return [...style].map((name) => name + ': ' + style.getPropertyValue(name));
			}).join();
			const before = look();
			document.adoptedStyleSheets = [sheet];
			const during = look();
			document.adoptedStyleSheets = [];
			return before.includes('text-transform: none') && before === during;
		}`)
	})

	t.Run("B20 the Enter of an input method sends nothing", func(t *testing.T) {
		const press = `([words, event]) => {
			const field = e2e.root('customer').querySelector('textarea');
			field.value = words;
			field.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
			field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, composed: true, cancelable: true, ...event }));
			return field.value === words;
		}`
		ok(t, press, []any{"にほん", map[string]any{"keyCode": 229}})
		ok(t, press, []any{"にほん", map[string]any{"isComposing": true, "keyCode": 229}})
		ok(t, press, []any{"line", map[string]any{"shiftKey": true, "keyCode": 13}})
		require.False(t, ask[bool](d.page, press, []any{"日本", map[string]any{"keyCode": 13}}))
		require.False(t, ask[bool](d.page, press, []any{"a word of Gboard", map[string]any{"isComposing": true, "keyCode": 13}}))
		d.agent.hears("日本")
	})

	t.Run("B81 an address can be clicked", func(t *testing.T) {
		const said = "see https://example.com/a?b=1, not javascript:alert(1) or https://аpple.com/."
		d.customer.say(said)
		d.agent.hears(said)
		ok(t, `() => {
			const links = [...e2e.root('agent').querySelectorAll('.bubble a')];
			const [first, second] = links;
			return links.length === 2 && first.href === 'https://example.com/a?b=1' && first.target === '_blank' &&
				first.rel === 'noopener noreferrer' && first.tabIndex === 0 && first.part.contains('link') &&
				getComputedStyle(second, '::after').content.includes('xn--');
		}`)
	})

	t.Run("B76 sizes and times keep their order on a page from the right", func(t *testing.T) {
		tell(d.page, `() => {
			document.documentElement.dir = 'rtl';
			document.querySelector('#agent').lang = document.querySelector('#customer').lang = 'en-US';
			return e2e.settled();
		}`)
		d.agent.say("שלום, 3 קבצים")
		d.customer.hears("שלום, 3 קבצים")
		d.picture("rtl")
		ok(t, `() => {
			const tree = e2e.root('agent');
			// The position of each word of a text on the screen.
			const inOrder = (node) => {
				const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
				const lefts = [];
				while (texts.nextNode()) {
					for (const { index, 0: word } of texts.currentNode.data.matchAll(/[^\s\u202f·]+/g)) {
						const range = document.createRange();
						range.setStart(texts.currentNode, index);
						range.setEnd(texts.currentNode, index + word.length);
						lefts.push(range.getBoundingClientRect().left);
					}
				}
				return lefts.length > 1 && lefts.every((left, i) => i === 0 || left > lefts[i - 1]);
			};
			const metas = [...tree.querySelectorAll('.tile-meta')];
			const times = [...tree.querySelectorAll('time')];
			return metas.length > 1 && times.length > 1 && [...metas, ...times].every(inOrder);
		}`)
	})
}

// drag drags something from outside the browser and drops it on a side.
func (d *desk) drag(side string, data *input.DragData) {
	d.t.Helper()
	at := ask[[]float64](d.page, "(side) => e2e.middle(e2e.root(side).querySelector('.scroller'))", side)
	for _, step := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		_, err := chromedp.Call(d.ctx, input.DispatchDragEvent, input.DispatchDragEventParams{Type: step, X: at[0], Y: at[1], Data: data})
		require.NoError(d.t, err)
	}
}
